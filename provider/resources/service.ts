import { z } from "zod";

import { Fault, messageOf, PartialFailure } from "../fault.ts";
import { checkSchema, firstFailure, pause } from "../readiness.ts";
import { type Context, define, known, lastLines, type Of } from "../resource.ts";
import {
  currentPid,
  recorded,
  restart,
  shutDown,
  status,
  waitSupervised,
} from "../runit/control.ts";
import { type Definition, digestOf, filesOf } from "../runit/definition.ts";
import { absolutePath, accountName, argumentVector, environment, seconds } from "../schema.ts";
import { same } from "../diff.ts";

const inputs = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be letters, digits, - and _")
    .describe("Letters, digits, `-` and `_`."),
  directory: absolutePath().describe("The `directory` of its Supervisor."),
  state: absolutePath().describe(
    "Owned by this resource: definition, environment, `log/main`. Removed by delete.",
  ),
  command: argumentVector().describe(
    "With an absolute program; stays in the foreground. No secrets here.",
  ),
  env: environment()
    .default({})
    .describe("Besides PATH, HOME and USER; files of mode 0600. May hold secrets."),
  user: accountName().optional().describe("Run as; root only. Default: the supervisor's user."),
  cwd: absolutePath().optional().describe("Default: `state`."),
  ready: z.array(checkSchema).min(1, "must hold at least one check").describe("All must pass."),
  readyTimeout: seconds(90).describe("Seconds until a start counts as failed; default 90."),
  restartOn: z.array(z.string()).optional().describe("Any change restarts it."),
  reloadOn: z.array(z.string()).optional().describe("Any change sends it HUP."),
  stopSignal: z
    .enum(["TERM", "INT", "QUIT"])
    .default("TERM")
    .describe("Asks it to end; default `TERM`."),
  stopTimeout: seconds(20).describe("Seconds between that signal and KILL; default 20."),
  running: z
    .literal(true)
    .default(true)
    .describe("Always true; compared with what is there, so that a stopped service is started."),
};

type Inputs = Of<typeof inputs>;

/** A process that comes and goes this often while we wait will not become ready. */
const mostStarts = 6;

/** Seconds a process must live with all checks passed: another one may hold its port. */
const leastAge = 1;

export const service = define({
  description: "A supervised process (runit). Made and changed only when every check passes.",
  inputs,
  outputs: {},
  replaceOn: ["name", "directory", "state"],
  deleteBeforeReplace: true,

  faults: ({ command, env }) => [
    ...(Array.isArray(command) && typeof command[0] === "string" && !command[0].startsWith("/")
      ? [{ property: "command[0]", reason: "must be an absolute path" }]
      : []),
    ...Object.entries(env ?? {})
      .filter(([, value]) => typeof value === "string" && /[ \t](\n|$)/.test(value))
      .map(([name]) => ({ property: `env.${name}`, reason: "must not end with a space" })),
  ],

  async create(context, wanted) {
    await refuseForeign(context, wanted);
    const id = wanted.name;
    await kept(id, () => apply(context, wanted, undefined));
    return { id, outputs: {} };
  },

  async read(context, _id, old) {
    const there = known(old, "Service");
    const { transport } = context;
    const [link, script] = await Promise.all([
      transport.linkTarget(`${there.directory}/${there.name}`),
      transport.stat(`${there.state}/run`),
    ]);
    if (link === undefined && script === undefined) return undefined;
    const running = link === there.state && (await isUpAndReady(context, there));
    return { ...there, running: running as true };
  },

  async update(context, old, wanted) {
    await kept(wanted.name, () => apply(context, wanted, old));
    return {};
  },

  async delete(context, { name, directory, state, stopTimeout }) {
    const { transport, progress } = context;
    progress("stopping");
    // Without the link the supervisor does not start it again.
    const link = `${directory}/${name}`;
    if ((await transport.linkTarget(link)) === state) await transport.remove(link);
    await shutDown(context, state, stopTimeout);
    await transport.removeTree(state);
  },
});

/** From the first file on it exists: a failure is kept in the state, so that it is repaired or removed. */
async function kept(id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new PartialFailure(messageOf(error), id, { running: false });
  }
}

async function refuseForeign({ transport }: Context, { name, directory, state }: Inputs) {
  const owner = await transport.stat(directory);
  if (owner?.type !== "directory") {
    throw new Fault(`${directory} is missing; let the Supervisor be made first (dependsOn).`);
  }
  const target = await transport.linkTarget(`${directory}/${name}`);
  if (target !== undefined && target !== state) {
    throw new Fault(`${directory}/${name} is another service's; choose another name.`);
  }
  const names = await transport.list(state);
  if (names !== undefined && names.length > 0 && !names.includes("log")) {
    throw new Fault(`${state} holds something else; move it away or choose another directory.`);
  }
}

/** @throws Fault when the user cannot be the process's. */
async function definitionOf({ transport }: Context, wanted: Inputs): Promise<Definition> {
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

/** Whether the files, the running process and the checks all are as they should be. */
async function isUpAndReady(context: Context, there: Inputs): Promise<boolean> {
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

/** Writes the definition, starts or restarts if needed, waits until it is ready. */
async function apply(context: Context, wanted: Inputs, old: Inputs | undefined): Promise<void> {
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
  // One that was started meanwhile has the new definition. Of one that was edited by hand nobody
  // knows what it was started with.
  const fresh = pid !== before;
  const unchanged = !rewritten && started?.pid === pid && started?.digest === digestOf(definition);
  const current = pid !== undefined && (fresh || unchanged);
  if (current) {
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
  progress("restarting");
  await restart(context, wanted);
  await waitReady(context, wanted, definition, readyTimeout);
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

/** Remembers that this very process was ready once. */
async function markReady(context: Context, state: string): Promise<void> {
  const started = await recorded(context, state);
  if (started === undefined || (await wasReady(context, state))) return;
  await context.transport.writeAtomic(`${state}/ready`, `${started.text}\n`, { mode: "0600" });
}

async function wasReady(context: Context, state: string): Promise<boolean> {
  const marked = (await context.transport.read(`${state}/ready`))?.toString("utf8").trim();
  return marked !== undefined && marked === (await recorded(context, state))?.text;
}

async function isReadyWithin(
  context: Context,
  wanted: Inputs,
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
async function waitReady(
  context: Context,
  { name, state, ready }: Inputs,
  definition: Definition,
  time: number,
): Promise<void> {
  const { transport, signal, progress } = context;
  const digest = digestOf(definition);
  const deadline = Date.now() + time * 1000;
  const starts = new Map<number, number>();
  let reason: string | undefined = "it does not start";
  for (;;) {
    const pid = await currentPid(context, state);
    const started = await recorded(context, state);
    if (pid !== undefined && !starts.has(pid)) starts.set(pid, Date.now());
    if (pid !== undefined && started?.pid === pid && started.digest === digest) {
      reason = await firstFailure(transport, ready, signal, definition.account.name);
      const age = (Date.now() - (starts.get(pid) ?? Date.now())) / 1000;
      if (reason === undefined && age >= leastAge && (await currentPid(context, state)) === pid) {
        await markReady(context, state);
        return;
      }
    }
    const dying = starts.size >= mostStarts;
    if (dying || Date.now() > deadline) {
      const when = dying ? `it ended ${mostStarts - 1} times` : `not within ${Math.round(time)} s`;
      throw new Fault(
        `${name} did not become ready (${when}${reason === undefined ? "" : `; ${reason}`}). The end of ${state}/log/main/current:\n${await logEnd(context, state)}`,
      );
    }
    progress(`waiting: ${reason ?? "a moment"}`);
    await pause(signal);
  }
}

async function logEnd({ transport }: Context, state: string): Promise<string> {
  const log = (await transport.read(`${state}/log/main/current`))?.toString("utf8") ?? "";
  return log.trim() === "" ? "(empty)" : lastLines(log, 15);
}
