import { dirname } from "node:path";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { pause } from "../readiness.ts";
import { type Context, define, known, type Of } from "../resource.ts";
import { endCandidate } from "../runit/candidate.ts";
import { shutDown } from "../runit/control.ts";
import { monitorsOf, processes, send, supervisorOf } from "../runit/processes.ts";
import { absolutePath, accountName } from "../schema.ts";

const inputs = {
  directory: absolutePath().describe(
    "One symbolic link for each service. Log: `supervisor.log` beside it.",
  ),
  user: accountName().optional().describe("Run as; root only. Default: who runs the provider."),
};

type Inputs = Of<typeof inputs>;

/** Seconds a supervisor has to start, and to end after its services. */
const patience = 10;

/** Left by Debian's runsvdir when it was told to look at once. */
const rescanMark = ".forced-rescan";

/** A larger log is started anew with the supervisor; bytes. */
const largestLog = 1_000_000;

/** Seconds a service without a definition has to end. */
const stopTimeout = 20;

export const supervisor = define({
  description: "The trial's process supervisor (runit). Deleting ends every service under it.",
  inputs,
  outputs: { made: z.boolean().describe("Whether we made the directory.") },
  replaceOn: ["directory"],
  deleteBeforeReplace: true,

  plan: (_inputs, old) => (old ? { made: old.made } : {}),

  async create(context, wanted) {
    const { directory } = wanted;
    const made = (await context.transport.stat(directory)) === undefined;
    if (made) {
      await context.transport.makeDirectory(directory, { mode: "0755", owner: wanted.user });
    }
    await start(context, wanted);
    return { id: directory, outputs: { made } };
  },

  async read({ transport }, _id, old) {
    const there = known(old, "Supervisor");
    const alive = supervisorOf(await processes(transport), there.directory);
    return alive === undefined ? undefined : there;
  },

  async update(context, old, wanted) {
    await stop(context, old);
    await start(context, wanted);
    return { made: old.made };
  },

  async delete(context, old) {
    const { transport } = context;
    await stop(context, old);
    for (const name of (await transport.list(old.directory)) ?? []) {
      const path = `${old.directory}/${name}`;
      if ((await transport.stat(path))?.type === "link") await transport.remove(path);
    }
    await transport.remove(`${old.directory}/${rescanMark}`);
    await transport.remove(logOf(old.directory));
    if (old.made && (await transport.list(old.directory))?.length === 0) {
      await transport.remove(old.directory);
    }
  },
});

function logOf(directory: string): string {
  return `${dirname(directory)}/supervisor.log`;
}

/** By name of the link; where it points. */
async function services({ transport }: Context, directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await transport.list(directory)) ?? []) {
    const target = await transport.linkTarget(`${directory}/${name}`);
    if (target !== undefined) found.set(name, target);
  }
  return found;
}

/** Does nothing when it runs already. */
async function start(context: Context, { directory, user }: Inputs): Promise<void> {
  const { transport, signal } = context;
  const all = await processes(transport);
  if (supervisorOf(all, directory) !== undefined) return;
  const { code } = await transport.run(["sh", "-c", "command -v runsvdir setsid"]);
  if (code !== 0) throw new Fault("runit is not installed; declare a Package for it.");
  const owner = (await transport.stat(directory))?.owner;
  if (owner !== (user ?? transport.user)) {
    throw new Fault(
      `${directory} belongs to ${owner ?? "nobody"}, not to ${user ?? transport.user} who runs the supervisor; give it that owner.`,
    );
  }
  const links = await services(context, directory);
  for (const [name, target] of links) {
    if ((await transport.stat(target)) === undefined)
      await transport.remove(`${directory}/${name}`);
  }
  // The services of a supervisor that was killed go on under their own monitors. As long as they
  // do, the new one fails to start a second monitor every few seconds: that is not worth a log.
  const orphaned = [...links.values()].some((state) => monitorsOf(all, state).length > 0);
  const log = orphaned ? "/dev/null" : await prepareLog(context, directory, user);
  await transport.run(
    [
      "sh",
      "-c",
      // Its own session and no pipe of ours: it outlives whoever started it.
      'exec setsid --fork runsvdir -P "$1" </dev/null >/dev/null 2>>"$2"',
      "sh",
      directory,
      log,
    ],
    { user, signal },
  );
  const deadline = Date.now() + patience * 1000;
  while (supervisorOf(await processes(transport), directory) === undefined) {
    if (Date.now() > deadline) {
      throw new Fault(`The supervisor of ${directory} did not start; see ${log}.`);
    }
    await pause(signal);
  }
}

async function prepareLog(
  { transport }: Context,
  directory: string,
  user: string | undefined,
): Promise<string> {
  const path = logOf(directory);
  const there = await transport.stat(path);
  if (there === undefined || there.size > largestLog) {
    await transport.writeAtomic(path, "", { mode: "0640", owner: user });
  }
  return path;
}

/** Ends the services first, in parallel, then the supervisor, orphans of an earlier one included. */
async function stop(context: Context, { directory }: Inputs): Promise<void> {
  const { transport, signal, progress } = context;
  const all = await processes(transport);
  const running = supervisorOf(all, directory);
  const links = await services(context, directory);
  const states = new Set(links.values());
  for (const { cwd, parent, argv } of all) {
    if (parent === running?.pid && argv[0]?.endsWith("runsv") === true) {
      states.add(cwd.replace(/ \(deleted\)$/, ""));
    }
  }
  // After HUP it starts nothing any more: it asks its services to end and ends itself.
  if (running !== undefined) await send(transport, "HUP", running.pid);
  if (states.size > 0) progress(`stopping ${states.size} services`);
  await Promise.all(
    [...states].map(async (state) => {
      await shutDown(context, state, stopTimeout);
      await endCandidate(transport, state);
    }),
  );
  const deadline = Date.now() + patience * 1000;
  while (supervisorOf(await processes(transport), directory) !== undefined) {
    const late = Date.now() > deadline;
    if (late && running !== undefined) await send(transport, "KILL", running.pid);
    await pause(signal);
  }
}
