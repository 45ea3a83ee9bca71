import { same } from "../diff.ts";
import { Fault } from "../fault.ts";
import { firstFailure } from "../readiness.ts";
import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import { recorded, restart, status, waitSupervised } from "./control.ts";
import { type Definition, digestOf, filesOf } from "./definition.ts";
import { isReadyWithin, markReady, waitReady, wasReady } from "./ready.ts";

/** Writes the definition, starts or restarts if needed, waits until it is ready. */
export async function apply(
  context: Context,
  wanted: ServiceInputs,
  old: ServiceInputs | undefined,
): Promise<void> {
  const { transport, signal, progress } = context;
  const { state, directory, name, ready, readyTimeout } = wanted;
  const definition = await definitionOf(context, wanted);
  const { pid: before } = await status(context, state);
  const rewritten = await write(context, definition, (await transport.stat(directory))?.owner);
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
    if ((await firstFailure(transport, ready, signal, definition.account.name)) === undefined) {
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
  const { transport, signal } = context;
  const definition = await definitionOf(context, there);
  const files = filesOf(definition);
  const contents = await Promise.all(
    files.map(({ path }) => transport.read(`${there.state}/${path}`)),
  );
  if (files.some(({ content }, index) => contents[index]?.toString("utf8") !== content)) {
    return false;
  }
  const [{ pid }, started] = await Promise.all([
    status(context, there.state),
    recorded(context, there.state),
  ]);
  if (pid === undefined || started?.pid !== pid || started.digest !== digestOf(definition)) {
    return false;
  }
  const reason = await firstFailure(transport, there.ready, signal, definition.account.name);
  if (reason !== undefined) context.warn(`${there.name} runs but is not ready: ${reason}`);
  return reason === undefined;
}

/** @throws Fault when the user cannot be the process's. */
async function definitionOf({ transport }: Context, wanted: ServiceInputs): Promise<Definition> {
  const supervisor = (await transport.stat(wanted.directory))?.owner ?? transport.user;
  const user = wanted.user ?? supervisor;
  if (user !== supervisor && supervisor !== "root") {
    throw new Fault(
      `The supervisor of ${wanted.directory} runs as ${supervisor} and cannot start ${wanted.name} as ${user}; leave "user" out.`,
    );
  }
  const account = await transport.account(user);
  if (account === undefined) throw new Fault(`There is no user ${user}; declare a User for it.`);
  const { state, command, env, cwd = state, restartOn = [], stopSignal, stopTimeout } = wanted;
  const become = user !== supervisor;
  return { state, command, env, account, become, cwd, restartOn, stopSignal, stopTimeout };
}

/** What is in the state may be false, whatever the schema of the inputs says. */
function isTrue(value: boolean): boolean {
  return value;
}

/** Whether anything that a process is started with was different. */
async function write(
  { transport }: Context,
  definition: Definition,
  owner: string | undefined,
): Promise<boolean> {
  let rewritten = false;
  const { state } = definition;
  const folders = {
    "": "0755",
    "/env": "0700",
    "/control": "0755",
    "/log": "0755",
    "/log/main": "0750",
  };
  for (const [folder, mode] of Object.entries(folders)) {
    await transport.makeDirectory(`${state}${folder}`, { mode, owner });
  }
  const files = filesOf(definition);
  for (const { path, content, mode } of files) {
    const there = await transport.read(`${state}/${path}`);
    if (there?.toString("utf8") === content) continue;
    await transport.writeAtomic(`${state}/${path}`, content, { mode, owner });
    rewritten ||= path === "run" || path.startsWith("env/");
  }
  for (const name of (await transport.list(`${state}/env`)) ?? []) {
    if (name in definition.env) continue;
    await transport.remove(`${state}/env/${name}`);
    rewritten = true;
  }
  return rewritten;
}
