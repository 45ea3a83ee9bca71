import { z } from "zod";

import { Fault, messageOf, PartialFailure } from "../fault.ts";
import { checkSchema } from "../readiness.ts";
import { type Context, define, type Of } from "../resource.ts";
import { apply, isUpAndReady } from "../runit/apply.ts";
import { endCandidate } from "../runit/candidate.ts";
import { shutDown } from "../runit/control.ts";
import { importedService } from "../runit/imported.ts";
import { replace } from "../runit/rollback.ts";
import { absolutePath, accountName, argumentVector, environment, seconds } from "../schema.ts";

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
  handover: z
    .boolean()
    .default(false)
    .describe(
      "The program listens with SO_REUSEPORT and writes its pid to $READY_FILE when it is ready. An update replaces it only after a second process of the new one did; default false.",
    ),
  running: z
    .literal(true)
    .default(true)
    .describe("Always true; compared with what is there, so that a stopped service is started."),
};

export type ServiceInputs = Of<typeof inputs>;

export const service = define({
  description:
    "A supervised process (runit). Made and changed only when every check passes; a failed change brings the former one back. Import one of ours by the path of its link.",
  inputs,
  outputs: {},
  replaceOn: ["name", "directory", "state"],
  secretWhenImported: ["env"],
  deleteBeforeReplace: true,

  faults: ({ command, env, handover }) => [
    ...(handover === true && env instanceof Object && "READY_FILE" in env
      ? [{ property: "env.READY_FILE", reason: "is set by handover; leave it out" }]
      : []),
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
    try {
      await apply(context, wanted, undefined);
    } catch (error) {
      // From the first file on it exists: it is kept in the state, to be repaired or removed.
      throw new PartialFailure(messageOf(error), id, { running: false });
    }
    return { id, outputs: {} };
  },

  async read(context, id, old) {
    const { transport } = context;
    const there = old ?? (await importedService(transport, id));
    if (there === undefined) return undefined;
    const [link, script] = await Promise.all([
      transport.linkTarget(`${there.directory}/${there.name}`),
      transport.stat(`${there.state}/run`),
    ]);
    if (link === undefined && script === undefined) return undefined;
    const running = link === there.state && (await isUpAndReady(context, there));
    return { ...there, running: running as true };
  },

  async update(context, old, wanted) {
    await replace(context, old, wanted);
    return {};
  },

  async delete(context, { name, directory, state, stopTimeout }) {
    const { transport, progress } = context;
    progress("stopping");
    // Without the link the supervisor does not start it again.
    const link = `${directory}/${name}`;
    if ((await transport.linkTarget(link)) === state) await transport.remove(link);
    await shutDown(context, state, stopTimeout);
    await endCandidate(transport, state);
    await transport.removeTree(state);
  },
});

async function refuseForeign({ transport }: Context, { name, directory, state }: ServiceInputs) {
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
