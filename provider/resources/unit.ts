import { z } from "zod";

import { messageOf, PartialFailure } from "../fault.ts";
import { checkSchema } from "../readiness.ts";
import { define, known, type Of } from "../resource.ts";
import { absolutePath, accountName, argumentVector, environment, seconds } from "../schema.ts";
import { apply, endCandidate, removeUnit, replace } from "../systemd/apply.ts";
import { refuseForeignUnit, show } from "../systemd/control.ts";
import { differingFiles, filesOf } from "../systemd/files.ts";
import { whyNotReady } from "../systemd/ready.ts";
import { heading, unitFile, unitPath } from "../systemd/unitFile.ts";
import { hasUnknown, UNKNOWN } from "../wire.ts";

/** Bytes as systemd takes them. */
const bytes = (standard: string) =>
  z
    .string()
    .regex(/^[1-9]\d*[KMG]?$/, 'must be bytes in quotes, such as "512M"')
    .default(standard);

const inputs = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,59}$/, "must be 1 to 60 of a-z, 0-9, _ and -, a letter first")
    .describe("The unit is `<name>.service`."),
  description: z.string().optional().describe("One line for people; default: the name."),
  command: argumentVector().describe(
    "With an absolute program; stays in the foreground. No secrets here.",
  ),
  env: environment().default({}).describe("In a file of mode 0600. May hold secrets."),
  credentials: z
    .record(z.string().regex(/^[\w.-]{1,64}$/, "must be letters, digits, _, . and -"), z.string())
    .optional()
    .describe("Secret texts, each a file in $CREDENTIALS_DIRECTORY that only it can read."),
  user: accountName().describe("Its own system user; it must exist."),
  cwd: z
    .string()
    .regex(/^\/[^\0\n]*$/, "must be an absolute path")
    .default("/")
    .describe("Default `/`."),
  writable: z
    .array(absolutePath())
    .default([])
    .describe("Paths it may write to; everything else is read-only. They must exist."),
  capabilities: z
    .array(z.string().regex(/^CAP_[A-Z_]+$/, "must be a name such as CAP_NET_BIND_SERVICE"))
    .default([])
    .describe("Capabilities it keeps; default none."),
  egress: z
    .array(
      z.union([z.literal("any"), z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], {
        error: 'must be a network such as 192.0.2.0/24, or "any"',
      }),
    )
    .default([])
    .describe("Networks it may talk with, in either direction, besides this machine; or `any`."),
  jit: z.boolean().default(true).describe("It compiles at run time (Node, Java). Default true."),
  memoryMax: bytes("1G").describe("More memory ends it; default `1G`."),
  tasksMax: z.int().min(1).default(512).describe("Most threads and processes; default 512."),
  watchdog: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe("It talks sd_notify(3) and must do so within these seconds. Default: it does not."),
  after: z
    .array(z.string().regex(/^[\w@.:-]+\.(service|target|socket|mount)$/, "must be a unit's name"))
    .default([])
    .describe("Units that start before it with the machine."),
  systemd: z.int().default(252).describe("The host's systemd; from 254 on restarts back off."),
  ready: z.array(checkSchema).min(1, "must hold at least one check").describe("All must pass."),
  readyTimeout: seconds(90).describe("Seconds until a start counts as failed; default 90."),
  restartOn: z.array(z.string()).optional().describe("Any change restarts it."),
  reloadOn: z.array(z.string()).optional().describe("Any change sends it HUP."),
  stopSignal: z.enum(["TERM", "INT", "QUIT"]).default("TERM").describe("Asks it to end."),
  stopTimeout: seconds(20).describe("Seconds between that signal and KILL; default 20."),
  handover: z
    .boolean()
    .default(false)
    .describe("As of a Service: an update replaces it after a second process is ready."),
  running: z.literal(true).default(true).describe("Always true; found stopped, it is started."),
  enabled: z.literal(true).default(true).describe("Always true; found disabled, it is enabled."),
  intact: z
    .literal(true)
    .default(true)
    .describe("Always true; drop-ins and changed secret files are found and undone."),
};

export type UnitInputs = Of<typeof inputs>;

export const unit = define({
  description:
    "A sandboxed systemd service. Made and changed only when every check passes; a failed change brings the former one back.",
  inputs,
  outputs: { unit: z.string().describe("The text of the unit file.") },
  replaceOn: ["name"],

  faults: ({ command, env }) => [
    ...(env instanceof Object && "READY_FILE" in env
      ? [{ property: "env.READY_FILE", reason: "is set by handover; leave it out" }]
      : []),
    ...(Array.isArray(command) && typeof command[0] === "string" && !command[0].startsWith("/")
      ? [{ property: "command[0]", reason: "must be an absolute path" }]
      : []),
  ],

  plan: (wanted) => ({ unit: hasUnknown(shapeOf(wanted)) ? UNKNOWN : textOf(wanted) }),
  stale: (old, wanted) =>
    hasUnknown(shapeOf(wanted)) || old.unit === textOf(wanted) ? [] : ["unit"],

  async create(context, wanted) {
    await refuseForeignUnit(context, `${wanted.name}.service`, heading);
    try {
      await apply(context, wanted);
    } catch (error) {
      throw new PartialFailure(messageOf(error), wanted.name, { running: false, unit: "" });
    }
    return { id: wanted.name, outputs: { unit: unitFile(wanted) } };
  },

  async read(context, _id, old) {
    const there = known(old, "Unit");
    const { transport } = context;
    const service = `${there.name}.service`;
    const path = unitPath(service);
    const [text, found, differing] = await Promise.all([
      transport.read(path),
      show(context, service),
      differingFiles(transport, filesOf(there)),
    ]);
    if (text === undefined && found.path === undefined) return undefined;
    const secrets = differing.every((file) => file.path === path);
    const running = found.running && (await whyNotReady(context, there, found.pid)) === undefined;
    return {
      ...there,
      running: running as true,
      enabled: found.enabled as true,
      intact: (secrets && found.dropIns.length === 0) as true,
      unit: text?.toString("utf8") ?? "",
    };
  },

  async update(context, old, wanted) {
    await endCandidate(context, wanted.name);
    await replace(context, old, wanted);
    return { unit: unitFile(wanted) };
  },

  async delete(context, { name }) {
    context.progress("stopping");
    await endCandidate(context, name);
    await removeUnit(context, name);
  },
});

/** What the text of the unit is made of: secrets and checks are not. */
function shapeOf(wanted: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const apart = ["env", "ready", "restartOn", "reloadOn"];
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => !apart.includes(key)));
}

function textOf(wanted: Readonly<Record<string, unknown>>): string {
  return unitFile(wanted as unknown as UnitInputs);
}
