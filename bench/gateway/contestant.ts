import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { connect } from "node:net";

import { treeSeconds } from "../logger/server.ts";
import type { Program } from "./programs.ts";

/** Something that stands between load and backend. */
export interface Contestant {
  readonly name: string;
  readonly port: number;
  /** All that it runs; their processor time counts together. */
  readonly processes: readonly ChildProcess[];
  /** Further headers of a signed-in request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The processor that contestants have for themselves, and that of load and backend. */
export const cores = { contestant: 0, rest: 1 } as const;

export interface Start {
  readonly program: Program;
  readonly args: readonly string[];
  readonly core: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly folder: string;
  /** Base name of its log in the folder. */
  readonly name: string;
}

/** Starts a program on one processor; its output goes to a file in the folder. */
export function start({ program, args, core, env = {}, folder, name }: Start): ChildProcess {
  const log = openSync(`${folder}/${name}.log`, "a");
  return spawn("taskset", ["-c", String(core), program.path, ...args], {
    cwd: folder,
    env: { ...program.env, ...env },
    stdio: ["ignore", log, log],
  });
}

/** Waits until a program listens. @throws Error with the end of its log after half a minute */
export async function listening(
  port: number,
  { folder, name }: Pick<Start, "folder" | "name">,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const socket = connect({ port, host: "127.0.0.1" });
    try {
      await once(socket, "connect");
      return;
    } catch (fault) {
      if (Date.now() > deadline) {
        const log = readFileSync(`${folder}/${name}.log`, "utf8").slice(-2000);
        throw new Error(`${name} does not listen:\n${log}`, { cause: fault });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      socket.destroy();
    }
  }
}

/** Seconds of processor time of processes and their children so far. */
export function processorTime(processes: readonly ChildProcess[]): number {
  return processes.reduce((sum, each) => sum + treeSeconds(each), 0);
}

export async function stop(processes: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    processes.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
    }),
  );
}
