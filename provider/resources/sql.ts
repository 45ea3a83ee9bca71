import { randomUUID } from "node:crypto";
import { z } from "zod";

import { Fault, PartialFailure } from "../fault.ts";
import { connection, runSql } from "../postgres/psql.ts";
import { type Context, define, known, type Of } from "../resource.ts";

const inputs = {
  ...connection,
  refusals: z
    .array(z.strictObject({ query: z.string(), message: z.string() }))
    .default([])
    .describe(
      "Asked once, before it is made: a query that gives a text stops it, with the message and that text in the place of %s.",
    ),
  check: z.string().min(1).describe("A query that gives true when it is as wanted."),
  apply: z.string().default("").describe("Statements that make it so; one transaction."),
  holds: z
    .literal(true)
    .default(true)
    .describe("Always true; compared with what the check says, so that drift is repaired."),
};

type Inputs = Of<typeof inputs>;

export const sql = define({
  description:
    "Something inside PostgreSQL that no other resource knows, given by a query that says whether it holds. Deleting does nothing.",
  inputs,
  outputs: {},
  replaceOn: [],
  incidental: ["refusals"],
  secretInputs: ["password"],

  async create(context, wanted) {
    const id = randomUUID();
    for (const { query, message } of wanted.refusals) {
      const found = await runSql(context, wanted, query);
      // Told once: whether it was adopted since then, only the engine knows.
      if (found !== "") {
        throw new PartialFailure(message.replaceAll("%s", found.split("\n").join(", ")), id, {});
      }
    }
    await ensure(context, wanted);
    return { id, outputs: {} };
  },

  async read(context, _id, old) {
    const there = known(old, "Sql");
    return { ...there, holds: (await holds(context, there)) as true };
  },

  async update(context, _old, wanted) {
    await ensure(context, wanted);
    return {};
  },

  delete: () => Promise.resolve(),
});

async function holds(context: Context, wanted: Inputs): Promise<boolean> {
  return (await runSql(context, wanted, wanted.check)) === "t";
}

async function ensure(context: Context, wanted: Inputs): Promise<void> {
  if (await holds(context, wanted)) return;
  context.progress("running SQL");
  if (wanted.apply !== "") await runSql(context, wanted, wanted.apply);
  if (await holds(context, wanted)) return;
  throw new Fault(
    `The statements ran, but the query still does not say true: ${wanted.check.trim()}`,
  );
}
