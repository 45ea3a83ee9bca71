import { Fault } from "../fault.ts";
import { firstFailure, pause } from "../readiness.ts";
import { type Context, lastLines } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import { currentPid, recorded } from "./control.ts";
import { type Definition, digestOf, proofFile } from "./definition.ts";

/** A process that comes and goes this often while we wait will not become ready. */
const mostStarts = 5;

/** Seconds a process must live with all checks passed: another one may hold its port. */
const leastAge = 1;

/** Remembers that this very process was ready once. */
export async function markReady(context: Context, state: string): Promise<void> {
  const started = await recorded(context, state);
  if (started === undefined || (await wasReady(context, state))) return;
  await context.transport.writeAtomic(`${state}/ready`, `${started.text}\n`, { mode: "0600" });
}

/** Whether it was this very process that was ready once. */
export async function wasReady(context: Context, state: string): Promise<boolean> {
  const marked = await recorded(context, state, "ready");
  return marked !== undefined && marked.text === (await recorded(context, state))?.text;
}

/** Why the process is not ready; undefined when it is. */
export async function whyNotReady(
  context: Context,
  { ready }: ServiceInputs,
  definition: Definition,
  pid: number,
): Promise<string | undefined> {
  // Before the checks, which a candidate on the same port passes as well.
  const unproved = await whyUnproved(context, definition, pid);
  if (unproved !== undefined) return unproved;
  return firstFailure(context.transport, ready, context.signal, definition.account.name);
}

/** Why a process that hands over did not itself say that it is ready; undefined when it did. */
export async function whyUnproved(
  { transport }: Context,
  { state, handover }: Definition,
  pid: number,
): Promise<string | undefined> {
  if (!handover) return undefined;
  const written = (await transport.read(proofFile(state)))?.toString("utf8").trim();
  if (written === String(pid)) return undefined;
  return "it did not write its number to READY_FILE";
}

/** As waitReady, without its fault. */
export async function isReadyWithin(
  context: Context,
  wanted: ServiceInputs,
  definition: Definition,
  time: number,
): Promise<boolean> {
  try {
    await waitReady(context, wanted, definition, time);
    return true;
  } catch (error) {
    if (context.signal.aborted) throw error;
    return false;
  }
}

/** @throws Fault with the last lines of its log when it does not become ready. */
export async function waitReady(
  context: Context,
  wanted: ServiceInputs,
  definition: Definition,
  time: number,
): Promise<void> {
  const { signal, progress } = context;
  const { name, state } = wanted;
  const digest = digestOf(definition);
  const deadline = Date.now() + time * 1000;
  const starts = new Set<number>();
  /** When each process had become the program: before that it may have waited for its turn. */
  const began = new Map<number, number>();
  let reason: string | undefined = "it does not start";
  for (;;) {
    const pid = await currentPid(context, state);
    const started = await recorded(context, state);
    if (pid !== undefined) starts.add(pid);
    if (pid !== undefined && started?.pid === pid && started.digest === digest) {
      if (!began.has(pid)) began.set(pid, Date.now());
      reason = await whyNotReady(context, wanted, definition, pid);
      const age = (Date.now() - (began.get(pid) ?? Date.now())) / 1000;
      if (reason === undefined && age >= leastAge && (await currentPid(context, state)) === pid) {
        await markReady(context, state);
        return;
      }
    }
    // Some starts may have come and gone between two looks: the supervisor counts them, too.
    const dying =
      Math.max(starts.size, (await failuresOf(context, state, digest)) + 1) >= mostStarts;
    if (dying || Date.now() > deadline) {
      const when = dying ? `it ended ${mostStarts - 1} times` : `not within ${Math.round(time)} s`;
      throw new Fault(
        `${name} did not become ready (${when}${reason === undefined ? "" : `; ${reason}`}). The end of ${state}/log/main/current:\n${await logEnd(context, `${state}/log/main/current`)}`,
      );
    }
    progress(`waiting: ${reason ?? "a moment"}`);
    await pause(signal);
  }
}

/** Ends in a row of this definition that nobody asked for (scripts.ts). */
async function failuresOf({ transport }: Context, state: string, digest: string): Promise<number> {
  const text = (await transport.read(`${state}/failures`))?.toString("utf8") ?? "";
  const [count, of] = text.trim().split(" ");
  return of === digest ? Number(count) : 0;
}

/** For the end of a message. */
export async function logEnd({ transport }: Context, file: string): Promise<string> {
  const { stdout } = await transport.run(["tail", "-n", "15", "--", file]);
  return lastLines(stdout, 15) || "(empty)";
}
