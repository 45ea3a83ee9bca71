import { z } from "zod";

import { messageOf, PartialFailure } from "../fault.ts";
import { define, type Of } from "../resource.ts";
import { seconds } from "../schema.ts";
import { refuseForeignUnit, show } from "../systemd/control.ts";
import { differingFiles } from "../systemd/files.ts";
import { importedTimer } from "../systemd/imported.ts";
import { processInputs, unitName } from "../systemd/processInputs.ts";
import { applyTimer, removeTimer } from "../systemd/timer.ts";
import { timerFiles, timerTexts } from "../systemd/timerFile.ts";
import { heading, unitPath } from "../systemd/unitFile.ts";
import { hasUnknown, UNKNOWN } from "../wire.ts";

const inputs = {
  name: unitName().describe("The units are `<name>.timer` and `<name>.service`."),
  schedule: z
    .string()
    .regex(/^[^\n]+$/, 'must be a calendar event such as "daily" or "*-*-* 02:00:00"')
    .describe("When, as systemd.time(7) has it. A run that was missed is made up for."),
  randomDelay: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe("Seconds it may start later, by chance; default 0."),
  ...processInputs,
  timeout: seconds(3600).describe("Seconds a run may take; default 3600."),
  running: z.literal(true).default(true).describe("Always true: the timer waits for its time."),
  enabled: z.literal(true).default(true).describe("Always true; found disabled, it is enabled."),
  intact: z
    .literal(true)
    .default(true)
    .describe("Always true; drop-ins and changed secret files are found and undone."),
};

export type TimerInputs = Of<typeof inputs>;

export const timer = define({
  description:
    "A systemd timer and the sandboxed service that it runs at its times. Import one of ours by name.",
  inputs,
  outputs: {
    timer: z.string().describe("The text of the timer."),
    unit: z.string().describe("The text of the service."),
  },
  replaceOn: ["name"],
  secretWhenImported: ["env", "credentials"],

  faults: ({ command }) =>
    Array.isArray(command) && typeof command[0] === "string" && !command[0].startsWith("/")
      ? [{ property: "command[0]", reason: "must be an absolute path" }]
      : [],

  plan: (wanted) =>
    hasUnknown(shapeOf(wanted)) ? { timer: UNKNOWN, unit: UNKNOWN } : textsOf(wanted),
  stale: (old, wanted) => {
    if (hasUnknown(shapeOf(wanted))) return [];
    const texts = textsOf(wanted);
    return (["timer", "unit"] as const).filter((key) => old[key] !== texts[key]);
  },

  async create(context, wanted) {
    for (const kind of ["timer", "service"]) {
      await refuseForeignUnit(context, `${wanted.name}.${kind}`, heading);
    }
    try {
      await applyTimer(context, wanted);
    } catch (error) {
      throw new PartialFailure(messageOf(error), wanted.name, { timer: "", unit: "" });
    }
    return { id: wanted.name, outputs: timerTexts(wanted) };
  },

  async read(context, id, old) {
    const { transport } = context;
    const there = old ?? (await importedTimer(transport, id));
    if (there === undefined) return undefined;
    const [timerName, serviceName] = [`${there.name}.timer`, `${there.name}.service`];
    const paths = [unitPath(timerName), unitPath(serviceName)] as const;
    const [text, unit, found, service, differing] = await Promise.all([
      transport.read(paths[0]),
      transport.read(paths[1]),
      show(context, timerName),
      show(context, serviceName),
      differingFiles(transport, timerFiles(there)),
    ]);
    if (text === undefined && unit === undefined && found.path === undefined) return undefined;
    const secrets = differing.every(({ path }) => paths.includes(path));
    const dropIns = [...found.dropIns, ...service.dropIns];
    return {
      ...there,
      running: found.running as true,
      enabled: found.enabled as true,
      intact: (secrets && dropIns.length === 0) as true,
      timer: text?.toString("utf8") ?? "",
      unit: unit?.toString("utf8") ?? "",
    };
  },

  async update(context, _old, wanted) {
    await applyTimer(context, wanted);
    return timerTexts(wanted);
  },

  async delete(context, { name }) {
    await removeTimer(context, name);
  },
});

/** What the texts are made of: secrets are not. */
function shapeOf(wanted: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => key !== "env"));
}

function textsOf(wanted: Readonly<Record<string, unknown>>) {
  return timerTexts(wanted as unknown as TimerInputs);
}
