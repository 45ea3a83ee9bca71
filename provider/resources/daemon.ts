import { z } from "zod";

import { Fault } from "../fault.ts";
import { pause } from "../readiness.ts";
import { type Context, define } from "../resource.ts";
import { journalEnd, show, systemctl, type UnitState } from "../systemd/control.ts";

/** Seconds a start gets. */
const patience = 60;

export const daemon = define({
  description:
    "A unit of the distribution, enabled and running. Deleting gives back how it was found. Import by its name.",
  inputs: {
    unit: z
      .string()
      .regex(/^[\w@.:-]+\.(service|timer|socket)$/, "must be a unit's name such as cron.service")
      .describe("With its kind, e.g. `cron.service` or `apt-daily.timer`."),
    restartOn: z.array(z.string()).optional().describe("Any change restarts it."),
    reloadOn: z.array(z.string()).optional().describe("Any change reloads it."),
    running: z
      .literal(true)
      .default(true)
      .describe(
        "Always true; found stopped, it is started. Where its conditions keep it off, true.",
      ),
    enabled: z.literal(true).default(true).describe("Always true; found disabled, it is enabled."),
  },
  outputs: {
    found: z
      .object({ running: z.boolean(), enabled: z.boolean() })
      .describe("How it was before us."),
  },
  replaceOn: ["unit"],

  plan: (_inputs, old) => (old ? { found: old.found } : {}),

  async create(context, { unit }) {
    const { running, enabled } = await present(context, unit);
    await ensure(context, unit);
    return { id: unit, outputs: { found: { running, enabled } } };
  },

  async read(context, id, old) {
    const state = await show(context, id);
    if (state.path === undefined) return undefined;
    const [running, enabled] = [isOn(state), isEnabled(state)];
    return {
      ...old,
      unit: id,
      running: running as true,
      enabled: enabled as true,
      found: old?.found ?? { running, enabled },
    };
  },

  async update(context, old, wanted) {
    const other = (key: "restartOn" | "reloadOn") =>
      JSON.stringify(old[key] ?? []) !== JSON.stringify(wanted[key] ?? []);
    const { unit } = wanted;
    await present(context, unit);
    if (other("restartOn")) await systemctl(context, "restart", "--", unit);
    else if (other("reloadOn")) await systemctl(context, "reload-or-restart", "--", unit);
    await ensure(context, unit);
    return { found: old.found };
  },

  async delete(context, { unit, found }) {
    const state = await show(context, unit);
    if (state.path === undefined) return;
    if (!found.enabled) await systemctl(context, "disable", "--", unit);
    if (!found.running && state.running) await systemctl(context, "stop", "--", unit);
  },
});

async function present(context: Context, unit: string): Promise<UnitState> {
  const state = await show(context, unit);
  if (state.path === undefined) {
    throw new Fault(`There is no ${unit}; declare the Package that brings it.`);
  }
  return state;
}

/** Enables and starts it, and waits until it runs. */
async function ensure(context: Context, unit: string): Promise<void> {
  const { transport, signal } = context;
  const before = await present(context, unit);
  // A mask has no text of its own: it goes with the name.
  await transport.run(["systemctl", "unmask", "--quiet", "--", unit], { signal });
  if (!isEnabled(before)) await systemctl(context, "enable", "--", unit);
  if (before.running) return;
  await transport.run(["systemctl", "reset-failed", "--", unit], { signal });
  await transport.run(["systemctl", "--no-ask-password", "start", "--", unit], { signal });
  const deadline = Date.now() + patience * 1000;
  for (;;) {
    const state = await show(context, unit);
    if (isOn(state)) return;
    if (state.failed || Date.now() > deadline) {
      throw new Fault(
        `${unit} does not run. The end of its journal:\n${await journalEnd(context, unit)}`,
      );
    }
    await pause(signal, 250);
  }
}

/** Also where its own conditions keep it off: systemd-timesyncd does not run in a container. */
function isOn({ running, skipped }: UnitState): boolean {
  return running || skipped;
}

/** Units without an [Install] section are there when something wants them. */
function isEnabled({ enabled, unitFileState }: UnitState): boolean {
  return enabled || ["static", "alias", "indirect", "generated"].includes(unitFileState);
}
