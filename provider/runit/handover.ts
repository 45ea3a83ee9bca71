import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import { startCandidate } from "./candidate.ts";
import { recorded, status } from "./control.ts";
import { type Definition, definitionOf, digestOf } from "./definition.ts";
import { differingFiles, isOfStart } from "./files.ts";

/**
 * When a process that serves is to be replaced and both can share its port, a candidate of the new
 * definition proves itself first; it goes on serving while the supervised one is restarted.
 * @returns whether there is a candidate now
 * @throws Fault when it does not become ready: nothing was touched
 */
export async function proveIfServing(
  context: Context,
  old: ServiceInputs,
  wanted: ServiceInputs,
): Promise<boolean> {
  // The former program may be one that does not share its port.
  if (!old.handover || !wanted.handover) return false;
  const definition = await definitionOf(context, wanted);
  if (!(await isToBeReplaced(context, definition))) return false;
  // SO_REUSEPORT lets only processes of one user share a port (socket(7)).
  const former = await definitionOf(context, old);
  if (former.account.name !== definition.account.name) return false;
  await startCandidate(context, wanted, definition);
  return true;
}

/** Whether a process runs that was started with something else. */
async function isToBeReplaced(context: Context, definition: Definition): Promise<boolean> {
  const { state } = definition;
  const { pid } = await status(context, state);
  if (pid === undefined) return false;
  const started = await recorded(context, state);
  if (started?.pid !== pid || started.digest !== digestOf(definition)) return true;
  return (await differingFiles(context.transport, definition)).some(isOfStart);
}
