import { same } from "../diff.ts";
import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import { recorded, restart, status, waitSupervised } from "./control.ts";
import { candidateState, definitionOf, digestOf } from "./definition.ts";
import { differingFiles, writeFiles } from "./files.ts";
import { isReadyWithin, markReady, waitReady, wasReady, whyNotReady } from "./ready.ts";

/** Writes the definition, starts or restarts if needed, waits until it is ready. */
export async function apply(
  context: Context,
  wanted: ServiceInputs,
  old: ServiceInputs | undefined,
): Promise<void> {
  const { transport, progress } = context;
  const { state, directory, name, readyTimeout } = wanted;
  const definition = await definitionOf(context, wanted);
  const { pid: before } = await status(context, state);
  const rewritten = await writeFiles(transport, definition);
  const link = `${directory}/${name}`;
  if ((await transport.linkTarget(link)) !== state) await transport.makeLink(link, state);
  progress("starting");
  await waitSupervised(context, state, directory);

  const { pid, age } = await status(context, state);
  const started = await recorded(context, state);
  const digest = digestOf(definition);
  // Of a process whose definition was edited by hand nobody knows what it was started with.
  if (pid !== undefined && pid === before && !rewritten && started?.digest === digest) {
    if (old !== undefined && !same(old.reloadOn ?? [], wanted.reloadOn ?? [])) {
      await transport.run(["sv", "hup", state]);
    }
    if ((await whyNotReady(context, wanted, definition, pid)) === undefined) {
      await markReady(context, state);
      return;
    }
    // One that was ready and is not any more does not become so by waiting.
    const broken = old !== undefined && !isTrue(old.running) && (await wasReady(context, state));
    const patience = broken ? 0 : Math.max(5, readyTimeout - age);
    if (patience > 0 && (await isReadyWithin(context, wanted, definition, patience))) return;
  }
  // One that was started meanwhile has the new definition; it may not have recorded that yet.
  const fresh = pid !== before && (started?.pid !== pid || started?.digest === digest);
  if (pid === undefined || !fresh) {
    progress("restarting");
    await restart(context, wanted);
  }
  await waitReady(context, wanted, definition, readyTimeout);
}

/** Whether the files, the running process and the checks all are as they should be. */
export async function isUpAndReady(context: Context, there: ServiceInputs): Promise<boolean> {
  const { transport } = context;
  const { state } = there;
  const definition = await definitionOf(context, there);
  if ((await differingFiles(transport, definition)).length > 0) return false;
  // Left by an up that was interrupted: it answers beside the service until the next one ends it.
  if ((await transport.stat(candidateState(state))) !== undefined) return false;
  const [{ pid }, started] = await Promise.all([status(context, state), recorded(context, state)]);
  if (pid === undefined || started?.pid !== pid || started.digest !== digestOf(definition)) {
    return false;
  }
  const reason = await whyNotReady(context, there, definition, pid);
  if (reason !== undefined) context.warn(`${there.name} runs but is not ready: ${reason}`);
  return reason === undefined;
}

/** What is in the state may be false, whatever the schema of the inputs says. */
function isTrue(value: boolean): boolean {
  return value;
}
