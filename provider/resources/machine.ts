import { z } from "zod";

import { Fault } from "../fault.ts";
import { type Context, define } from "../resource.ts";
import { factsOf, untested } from "../machine/facts.ts";
import { clockOf } from "../machine/clock.ts";

const inputs = {
  clock: z
    .literal("right")
    .default("right")
    .describe("Always `right`: a clock that is off by more than a minute is refused."),
};

const outputs = {
  system: z.string().describe("As it calls itself, e.g. `Debian GNU/Linux 12 (bookworm)`."),
  id: z.string().describe("`debian`, `ubuntu`, …"),
  version: z.string().describe("`12`, `13`, …"),
  codename: z.string().describe("`bookworm`, `trixie`, …"),
  architecture: z.string().describe("As dpkg has it: `amd64`, `arm64`."),
  systemd: z.int().describe("Version of systemd."),
  cores: z.int().describe("Processors it may use."),
  memory: z.int().describe("MiB, of all it has."),
  tested: z.boolean().describe("Whether our tests run on this system."),
  timeDaemon: z.string().describe("Package that keeps its clock; empty: none is installed."),
};

export const machine = define({
  description:
    "What a machine is. Making it refuses a system that cannot work, before anything is changed. Import by any id.",
  inputs,
  outputs,
  replaceOn: [],

  plan: (_inputs, old) => old ?? {},

  async create(context) {
    const facts = await factsOf(context);
    await refuseWrongClock(context);
    const doubt = untested(facts);
    if (doubt !== undefined) context.warn(doubt);
    return { id: facts.codename || facts.id, outputs: facts };
  },

  async read(context) {
    const [facts, clock] = [await factsOf(context), await clockOf(context)];
    return { ...facts, clock: (clock ?? "right") as "right" };
  },

  async update(context) {
    await refuseWrongClock(context);
    return factsOf(context);
  },

  delete: () => Promise.resolve(),
});

async function refuseWrongClock(context: Context): Promise<void> {
  const clock = await clockOf(context);
  if (clock === undefined) return;
  throw new Fault(
    `The host's clock is ${clock} of this machine's, so that certificates and tokens would not hold; set it (timedatectl set-ntp true, or date --set) and run the same command again.`,
  );
}
