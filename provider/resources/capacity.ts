import { z } from "zod";

import { Fault } from "../fault.ts";
import { type Context, define, succeeded } from "../resource.ts";

/** Megabytes: what the kernel keeps for itself changes with its version, what is sized by it need not. */
const step = 256;

export const capacity = define({
  description: "What the host is made of, for sizing what runs on it. Nothing is changed by it.",
  inputs: {},
  outputs: {
    memory: z.int().describe("Megabytes, down to a multiple of 256."),
    cores: z.int().describe("Processors that may be used."),
  },
  replaceOn: [],

  plan: (_inputs, old) => (old ? { memory: old.memory, cores: old.cores } : {}),
  create: async (context) => ({ id: "capacity", outputs: await look(context) }),
  read: (context) => look(context),
  update: (context) => look(context),
  delete: () => Promise.resolve(),
});

async function look({ transport, signal }: Context): Promise<{ memory: number; cores: number }> {
  const [facts, processors] = await Promise.all([
    transport.run(["cat", "/proc/meminfo"], { signal }),
    transport.run(["nproc"], { signal }),
  ]);
  const kilobytes = /^MemTotal:\s+(\d+) kB$/m.exec(succeeded(facts, "Reading /proc/meminfo"))?.[1];
  const cores = Number.parseInt(succeeded(processors, "nproc"), 10);
  if (kilobytes === undefined || !(cores > 0)) {
    throw new Fault("The host does not say how much memory and how many processors it has.");
  }
  const megabytes = Number(kilobytes) / 1024;
  return { memory: Math.max(step, Math.floor(megabytes / step) * step), cores };
}
