import { Fault } from "../fault.ts";
import { firstFailure, pause } from "../readiness.ts";
import type { Context } from "../resource.ts";
import type { UnitInputs } from "../resources/unit.ts";
import { journalEnd, show } from "./control.ts";
import { readyFile } from "./unitFile.ts";

/** Starts of its own after which a process counts as not becoming ready. */
const mostRestarts = 3;

/** Milliseconds it must live: somebody else may answer on its port while it dies. */
const leastAge = 1000;

/** Waits until the unit's process is ready. @throws Fault with its last lines when it is not in time. */
export async function waitReady(context: Context, unit: UnitInputs, proved = false): Promise<void> {
  const { signal, progress } = context;
  const service = `${unit.name}.service`;
  const deadline = Date.now() + unit.readyTimeout * 1000;
  let seen = { pid: 0, since: 0 };
  for (;;) {
    const { running, failed, pid, restarts } = await show(context, service);
    if (pid !== seen.pid) seen = { pid, since: Date.now() };
    const reason = running ? await whyNotReady(context, unit, pid, proved) : "it does not run";
    if (reason === undefined && Date.now() - seen.since >= leastAge) return;
    const dying = failed || restarts >= mostRestarts;
    if (dying || Date.now() > deadline) {
      const when = dying ? "it ends again and again" : `not within ${unit.readyTimeout} s`;
      throw new Fault(
        `${unit.name} did not become ready (${when}${reason === undefined ? "" : `; ${reason}`}). The end of its journal:\n${await journalEnd(context, service)}`,
      );
    }
    progress(`waiting: ${reason ?? "a moment"}`);
    await pause(signal, 250);
  }
}

/** @param proved whether only its own word counts: others answer on the same port */
export async function whyNotReady(
  context: Context,
  { name, ready, handover }: UnitInputs,
  pid: number,
  proved = false,
): Promise<string | undefined> {
  if (handover) {
    const said = (await context.transport.read(readyFile(name)))?.toString("utf8").trim();
    if (said !== String(pid)) return "it has not said that it is ready";
  }
  return proved ? undefined : firstFailure(context.transport, ready, context.signal);
}
