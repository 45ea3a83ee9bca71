import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { HiveError } from "./hiveError.ts";
import { supervised, type Trial } from "./trial.ts";

/** What runit says about a service. */
export interface ServiceState {
  readonly name: string;
  /** `unsupervised`: nobody watches it, so nobody starts it either. */
  readonly state: "run" | "down" | "finish" | "unsupervised";
  readonly pid: number | undefined;
  /** Seconds in this state. */
  readonly seconds: number | undefined;
}

/** One of the first words of a line of `sv status`. */
const line = /^(run|down|finish): [^:]+: (?:\(pid (\d+)\) )?(\d+)s/;

/** Reads what `sv status` prints for one service. */
export function parseStatus(name: string, text: string): ServiceState {
  const [, state, pid, seconds] = line.exec(text) ?? [];
  if (state === undefined)
    return { name, state: "unsupervised", pid: undefined, seconds: undefined };
  return {
    name,
    state: state as "run" | "down" | "finish",
    pid: pid === undefined ? undefined : Number(pid),
    seconds: Number(seconds),
  };
}

/** @throws HiveError when this user may not look */
export function readState(trial: Trial, name: string): ServiceState {
  const { stdout } = callSv(trial, ["status"], name);
  return parseStatus(name, stdout);
}

/**
 * Runs `sv`.
 * @param args before the service's folder
 * @throws HiveError when runit is missing or this user may not
 */
export function callSv(
  trial: Trial,
  args: readonly string[],
  name: string,
): { status: number; stdout: string } {
  const { status, stdout, error } = spawnSync("sv", [...args, join(supervised(trial), name)], {
    encoding: "utf8",
  });
  if (error !== undefined) {
    throw new HiveError(
      "`sv` is not on PATH: `sudo apt-get install --no-install-recommends runit`.",
    );
  }
  if (/access denied|permission denied/i.test(stdout)) {
    throw new HiveError(
      `The services of this trial run as ${trial.user ?? "another user"}: run the same command with sudo.`,
    );
  }
  return { status: status ?? 1, stdout };
}
