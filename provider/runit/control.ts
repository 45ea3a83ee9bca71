import { Fault } from "../fault.ts";
import { pause } from "../readiness.ts";
import type { Context } from "../resource.ts";
import { hurry, monitorsOf, processes, send, supervisorOf } from "./processes.ts";

/** Seconds within which runsvdir (it looks every 5 by itself) has to pick up a new service. */
const pickUpTime = 15;

/** What a process was started as. */
export interface Recorded {
  /** Of the file `process`. */
  readonly text: string;
  readonly pid: number;
  /** Clock ticks from boot to start, and which boot: the same number may be another process. */
  readonly start: string;
  readonly boot: string;
  /** Of the definition. */
  readonly digest: string;
}

export interface Status {
  /** Whether a runsv looks after it. */
  readonly supervised: boolean;
  /** Number of the process if it runs and is wanted up. */
  readonly pid: number | undefined;
  /** Seconds since it started. */
  readonly age: number;
}

/** As `sv status` sees it. */
export async function status({ transport }: Context, state: string): Promise<Status> {
  const { stdout } = await transport.run(["sv", "status", state]);
  const supervised = /^(run|down|finish): /.test(stdout);
  const running = /^run: [^;]*\(pid (\d+)\) (\d+)s(?![^;]*want down)/.exec(stdout);
  return { supervised, pid: running ? Number(running[1]) : undefined, age: Number(running?.[2]) };
}

/** The process runsv started last, from its own file: cheaper than sv, for polling. */
export async function currentPid(
  { transport }: Context,
  state: string,
): Promise<number | undefined> {
  const text = (await transport.read(`${state}/supervise/pid`))?.toString("utf8").trim();
  return text === undefined || text === "" ? undefined : Number(text);
}

/** The process started last; with `ready`, the one that was ready last. */
export async function recorded(
  { transport }: Context,
  state: string,
  file: "process" | "ready" = "process",
): Promise<Recorded | undefined> {
  const text = (await transport.read(`${state}/${file}`))?.toString("utf8").trim();
  if (text === undefined) return undefined;
  const [pid, start = "", boot = "", digest = ""] = text.split(" ");
  return { text, pid: Number(pid), start, boot, digest };
}

/** Waits until a runsv looks after the service. @throws Fault when none does in time. */
export async function waitSupervised(
  context: Context,
  state: string,
  directory: string,
): Promise<void> {
  const deadline = Date.now() + pickUpTime * 1000;
  while (!(await status(context, state)).supervised) {
    const supervisor = supervisorOf(await processes(context.transport), directory);
    if (supervisor !== undefined) await hurry(context.transport, supervisor);
    if (Date.now() > deadline) {
      throw new Fault(
        `The supervisor of ${directory} did not take ${state} up within ${pickUpTime} s; see ${directory}/../supervisor.log, then run the same command again.`,
      );
    }
    await pause(context.signal);
  }
}

/**
 * Starts it anew. A runsv that a killed supervisor left behind is ended first, so that the present
 * supervisor takes the service over.
 */
export async function restart(
  context: Context,
  { state, directory, stopTimeout }: { state: string; directory: string; stopTimeout: number },
): Promise<void> {
  // What is started now has not failed yet.
  await context.transport.remove(`${state}/failures`);
  const all = await processes(context.transport);
  const supervisor = supervisorOf(all, directory);
  const orphans = monitorsOf(all, state).filter(({ parent }) => parent !== supervisor?.pid);
  if (orphans.length > 0) {
    await shutDown(context, state, stopTimeout);
    await waitSupervised(context, state, directory);
  } else {
    await context.transport.run(["sv", "-w", String(stopTimeout + 1), "force-restart", state]);
  }
}

/** Ends the service, its log and its runsv; what is left of its processes too. */
export async function shutDown(
  context: Context,
  state: string,
  stopTimeout: number,
): Promise<void> {
  const { transport } = context;
  if ((await status(context, state)).supervised) {
    await transport.run(["sv", "-w", String(stopTimeout + 1), "force-shutdown", state]);
  }
  // Without its directory sv does not reach it: TERM makes runsv end its service and itself.
  await endMonitors(context, state, stopTimeout);
  if ((await transport.stat(`${state}/stop`)) !== undefined) {
    await transport.run(["sh", `${state}/stop`]);
  }
}

async function endMonitors(context: Context, state: string, stopTimeout: number): Promise<void> {
  const { transport } = context;
  const deadline = Date.now() + (stopTimeout + 5) * 1000;
  const asked = new Set<number>();
  for (;;) {
    const left = monitorsOf(await processes(transport), state);
    if (left.length === 0) return;
    const late = Date.now() > deadline;
    for (const { pid } of left) {
      if (late || !asked.has(pid)) await send(transport, late ? "KILL" : "TERM", pid);
      asked.add(pid);
    }
    await pause(context.signal);
  }
}
