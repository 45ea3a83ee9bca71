import { same } from "../diff.ts";
import { Fault, messageOf, PartialFailure } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { UnitInputs } from "../resources/unit.ts";
import { show, systemctl } from "./control.ts";
import { definitionVariable, digestOf, filesOf, writeFiles } from "./files.ts";
import { waitReady } from "./ready.ts";
import { secretsFolder, unitPath } from "./unitFile.ts";

/** Writes the definition, starts or restarts if needed, waits until it is ready. */
export async function apply(context: Context, unit: UnitInputs, old?: UnitInputs): Promise<void> {
  const { transport, progress } = context;
  const service = `${unit.name}.service`;
  if ((await transport.account(unit.user)) === undefined) {
    throw new Fault(`There is no user ${unit.user}; declare a User for it.`);
  }
  const files = filesOf(unit);
  const [{ dropIns }, others] = await Promise.all([
    show(context, service),
    surplusSecrets(context, unit.name),
  ]);
  const wanted = new Set(files.map(({ path }) => path));
  const surplus = [...dropIns, ...others.filter((path) => !wanted.has(path))];
  const rewritten = await writeFiles(context, files, surplus);
  const { pid, running, enabled, current } = await show(context, service);
  if (!current) await systemctl(context, "daemon-reload");
  if (!enabled) await systemctl(context, "reenable", "--", service);
  const asWanted = running && !rewritten && (await startedWith(context, pid)) === digestOf(unit);
  if (!asWanted) {
    progress(running ? "restarting" : "starting");
    await restart(context, service);
  } else if (old !== undefined && !same(old.reloadOn ?? [], unit.reloadOn ?? [])) {
    await systemctl(context, "reload", "--", service);
  }
  await waitReady(context, unit);
}

/** A start that fails at once is found by waitReady, with more to say. */
async function restart(context: Context, service: string): Promise<void> {
  const { transport, signal } = context;
  await transport.run(["systemctl", "reset-failed", "--", service]);
  await transport.run(["systemctl", "--no-ask-password", "restart", "--", service], { signal });
}

/**
 * Puts a new definition in place of a former one, which is back and running when that fails. With
 * handover a second process of the new one proves itself first and serves during the restart.
 * @throws Fault when nothing changed in the end; PartialFailure otherwise
 */
export async function replace(context: Context, old: UnitInputs, unit: UnitInputs): Promise<void> {
  const proved = await isProvable(context, old, unit);
  if (proved) await prove(context, unit);
  try {
    await apply(context, unit, old);
  } catch (error) {
    const message = messageOf(error);
    const other = digestOf(old) !== digestOf(unit);
    // Whoever interrupts does not want to wait.
    if (!context.signal.aborted && other) throw await goBack(context, old, message);
    throw new PartialFailure(message, unit.name, { running: false, unit: "" }, other);
  } finally {
    if (proved) await endCandidate(context, unit.name);
  }
}

/** What the update failed with, and what became of going back. */
async function goBack(context: Context, old: UnitInputs, message: string): Promise<Fault> {
  context.progress("going back to the former one");
  try {
    await apply(context, old);
    return new Fault(`${message}\nThe former one is back and ready.`);
  } catch (error) {
    const [first] = messageOf(error).split("\n");
    const all = `${message}\nThe former one is not back: ${String(first)}`;
    return new PartialFailure(all, old.name, { running: false, unit: "" }, true);
  }
}

/** Whether a process serves that is to be replaced and can share its port with another one. */
async function isProvable(context: Context, old: UnitInputs, unit: UnitInputs): Promise<boolean> {
  // SO_REUSEPORT lets only processes of one user share a port (socket(7)).
  if (!old.handover || !unit.handover || old.user !== unit.user) return false;
  if (digestOf(old) === digestOf(unit)) return false;
  return (await show(context, `${unit.name}.service`)).running;
}

function candidateOf(unit: UnitInputs): UnitInputs {
  return { ...unit, name: candidateName(unit.name) };
}

function candidateName(name: string): string {
  return `${name}-candidate`;
}

/** Starts a unit of the same definition beside it. @throws Fault when it does not become ready. */
async function prove(context: Context, unit: UnitInputs): Promise<void> {
  const candidate = candidateOf(unit);
  context.progress("starting a candidate");
  try {
    await writeFiles(context, filesOf(candidate));
    await restart(context, `${candidate.name}.service`);
    await waitReady(context, candidate, true);
  } catch (error) {
    await endCandidate(context, unit.name);
    throw new Fault(`${messageOf(error)}\nThe running one was not touched.`, { cause: error });
  }
}

/** Ends the candidate, also one that an interrupted up left. */
export async function endCandidate(context: Context, name: string): Promise<void> {
  if ((await context.transport.stat(unitPath(`${candidateName(name)}.service`))) === undefined) {
    return;
  }
  await removeUnit(context, candidateName(name));
}

/** Stops it, takes it out of the machine's start and removes its files. */
export async function removeUnit(context: Context, name: string): Promise<void> {
  const { transport } = context;
  const service = `${name}.service`;
  await transport.run(["systemctl", "--no-ask-password", "disable", "--now", "--", service]);
  const { dropIns } = await show(context, service);
  for (const path of [unitPath(service), ...dropIns, ...(await surplusSecrets(context, name))]) {
    await transport.remove(path);
  }
  await transport.removeTree(`${unitPath(service)}.d`);
  await systemctl(context, "daemon-reload");
  await transport.run(["systemctl", "reset-failed", "--", service]);
}

/** Files with secrets of a unit of that name, as they are. */
export async function surplusSecrets({ transport }: Context, name: string): Promise<string[]> {
  const names = (await transport.list(secretsFolder)) ?? [];
  return names
    .filter((file) => file === `${name}.env` || file.startsWith(`${name}.credential.`))
    .map((file) => `${secretsFolder}/${file}`);
}

/** The definition a process was started with. */
async function startedWith({ transport }: Context, pid: number): Promise<string | undefined> {
  const environment = (await transport.read(`/proc/${pid}/environ`))?.toString("utf8") ?? "";
  const start = `${definitionVariable}=`;
  return environment
    .split("\0")
    .find((line) => line.startsWith(start))
    ?.slice(start.length);
}
