import { z } from "zod";

import { messageOf, PartialFailure } from "../fault.ts";
import { checkSchema } from "../readiness.ts";
import { define, type Of } from "../resource.ts";
import { seconds } from "../schema.ts";
import { apply, endCandidate, removeUnit, replace } from "../systemd/apply.ts";
import { refuseForeignUnit, show } from "../systemd/control.ts";
import { importedUnit } from "../systemd/imported.ts";
import { differingFiles, filesOf } from "../systemd/files.ts";
import { processInputs, unitName } from "../systemd/processInputs.ts";
import { whyNotReady } from "../systemd/ready.ts";
import { heading, unitFile, unitPath } from "../systemd/unitFile.ts";
import { hasUnknown, UNKNOWN } from "../wire.ts";

const inputs = {
  name: unitName().describe("The unit is `<name>.service`."),
  ...processInputs,
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
    "A sandboxed systemd service. Made and changed only when every check passes; a failed change brings the former one back. Import one of ours by name.",
  inputs,
  outputs: { unit: z.string().describe("The text of the unit file.") },
  replaceOn: ["name"],
  secretWhenImported: ["env", "credentials"],

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

  async read(context, id, old) {
    const { transport } = context;
    const there = old ?? (await importedUnit(transport, id));
    if (there === undefined) return undefined;
    const service = `${there.name}.service`;
    const path = unitPath(service);
    const [text, found, differing] = await Promise.all([
      transport.read(path),
      show(context, service),
      differingFiles(transport, filesOf(there)),
    ]);
    if (text === undefined && found.path === undefined) return undefined;
    // What an imported one is restarted on is not known: its first up writes its secrets anew.
    const secrets = old === undefined || differing.every((file) => file.path === path);
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
