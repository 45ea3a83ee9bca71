import { same } from "../diff.ts";
import { Fault, messageOf, PartialFailure } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import { apply } from "./apply.ts";
import { endCandidate, removeCandidateLog } from "./candidate.ts";
import { recorded } from "./control.ts";
import { definitionOf, digestOf } from "./definition.ts";
import { proveIfServing } from "./handover.ts";

/**
 * Puts a new definition in place of a former one, which is back and running when that fails.
 * @throws Fault when nothing changed in the end: the state stays as it was
 * @throws PartialFailure otherwise; with the former inputs if there is a former one to go back to
 */
export async function replace(
  context: Context,
  old: ServiceInputs,
  wanted: ServiceInputs,
): Promise<void> {
  const { transport, signal, progress } = context;
  const { state } = wanted;
  const hasFormer = await canGoBack(context, old, wanted);
  const proved = await proveIfServing(context, old, wanted);
  try {
    await apply(context, wanted, old);
  } catch (error) {
    const message = messageOf(error);
    // Whoever interrupts does not want to wait. A candidate goes on serving until the next up.
    if (signal.aborted) throw unfinished(message, old.name, hasFormer);
    progress("going back to the former one");
    const failure = hasFormer ? await goBack(context, old, message) : undefined;
    await endCandidate(transport, state);
    throw failure ?? unfinished(message, old.name, false);
  }
  await endCandidate(transport, state);
  if (proved) await removeCandidateLog(transport, state);
}

/** Whether the former definition was ready once and is another one than the wanted. */
async function canGoBack(
  context: Context,
  old: ServiceInputs,
  wanted: ServiceInputs,
): Promise<boolean> {
  try {
    const former = digestOf(await definitionOf(context, old));
    if ((await recorded(context, old.state, "ready"))?.digest !== former) return false;
    const next = digestOf(await definitionOf(context, wanted));
    return former !== next || !same(old.ready, wanted.ready);
  } catch (error) {
    // The former user may be gone; apply says so when it is the wanted one.
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** What the update failed with, and what became of going back. */
async function goBack(context: Context, old: ServiceInputs, message: string): Promise<Fault> {
  try {
    await apply(context, old, undefined);
    return new Fault(`${message}\nThe former one is back and ready.`);
  } catch (error) {
    const [first] = messageOf(error).split("\n");
    return unfinished(`${message}\nThe former one is not back: ${String(first)}`, old.name, true);
  }
}

function unfinished(message: string, id: string, keepsFormer: boolean): PartialFailure {
  return new PartialFailure(message, id, { running: false }, keepsFormer);
}
