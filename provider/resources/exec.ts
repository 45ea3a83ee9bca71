import { randomUUID } from "node:crypto";
import { z } from "zod";

import { differences } from "../diff.ts";
import { type Context, define, known, type Of, type Planned, succeeded } from "../resource.ts";
import { absolutePath, accountName, argumentVector, environment } from "../schema.ts";
import { UNKNOWN } from "../wire.ts";

const inputs = {
  command: argumentVector().describe("Argument vector, no shell. No secrets here."),
  creates: absolutePath().describe(
    "Exists when it was done; made empty if the command does not make it.",
  ),
  user: accountName().optional().describe("Run as; root only."),
  cwd: absolutePath().optional().describe("Default: `/`."),
  env: environment().optional().describe("May hold secrets. A change alone does not run it again."),
  stdin: z.string().optional().describe("May be secret. A change alone does not run it again."),
  triggers: z.array(z.string()).optional().describe("Any change runs it again."),
};

type Inputs = Of<typeof inputs>;

export const exec = define({
  description: "A one-off action, proved done by a path. Deleting does nothing.",
  inputs,
  outputs: { ran: z.string().describe("Random; new at each run.") },
  replaceOn: [],

  plan: (planned, old) => ({
    ran: old !== undefined && !runsAgain(old, planned) ? old.ran : UNKNOWN,
  }),

  async create(context, wanted) {
    // Proved done, by an up that was interrupted or whose state was lost: not done twice.
    const done = (await context.transport.stat(wanted.creates)) !== undefined;
    if (!done) await perform(context, wanted);
    return { id: wanted.creates, outputs: { ran: randomUUID() } };
  },

  async read({ transport }, _id, old) {
    const there = known(old, "Exec");
    return (await transport.stat(there.creates)) === undefined ? undefined : there;
  },

  async update(context, old, wanted) {
    if (!runsAgain(old, wanted)) return { ran: old.ran };
    await perform(context, wanted);
    return { ran: randomUUID() };
  },

  delete: () => Promise.resolve(),
});

function runsAgain(old: Inputs, wanted: Planned<Inputs>): boolean {
  const keys = ["command", "creates", "triggers"] as const;
  return keys.some((key) => differences(old[key], wanted[key]).length > 0);
}

async function perform({ transport, signal, progress }: Context, wanted: Inputs): Promise<void> {
  const { command, creates, user, cwd, env, stdin } = wanted;
  progress(`running ${command[0] ?? ""}`);
  const result = await transport.run(command, { user, cwd, env, stdin, signal });
  succeeded(result, command.join(" "));
  if ((await transport.stat(creates)) === undefined) {
    await transport.writeAtomic(creates, "", { owner: user });
  }
}
