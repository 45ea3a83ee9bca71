import type pg from "pg";
import { z } from "zod";

import { HiveError } from "./hiveError.ts";
import { databaseClient } from "./serviceDatabase.ts";
import { readServiceEnvironment } from "./serviceEnvironment.ts";
import type { Trial } from "./trial.ts";

/** Core's name in the registry. */
const core = "core";

const environment = z.object({
  ENCRYPTION_KEY: z.string(),
  MINTING: z.enum(["allowed", "forbidden"]).default("allowed"),
});

/** What a command needs that does core's work while core may be down. */
export interface CoreDatabase {
  readonly client: pg.Client;
  /** Opens what core has sealed. */
  readonly encryptionKey: string;
  /** Whether tokens may be made by hand on this stack. */
  readonly minting: "allowed" | "forbidden";
}

/**
 * Runs some work on core's own database.
 * @throws HiveError with one sentence, also for whatever the database says
 */
export async function withCoreDatabase<T>(
  trial: Trial,
  work: (database: CoreDatabase) => Promise<T>,
): Promise<T> {
  const variables = readServiceEnvironment(trial, core);
  const parsed = environment.safeParse(variables);
  if (!parsed.success) {
    throw new HiveError("Core has no database in its environment: run `npm run up`.");
  }
  const { ENCRYPTION_KEY, MINTING } = parsed.data;
  const client = databaseClient(variables, "Core", { application_name: "hive" });
  try {
    await client.connect();
    return await work({ client, encryptionKey: ENCRYPTION_KEY, minting: MINTING });
  } catch (fault) {
    if (fault instanceof HiveError) throw fault;
    throw new HiveError(sentenceOf((fault as { code?: string }).code));
  } finally {
    await client.end().catch(() => undefined);
  }
}

function sentenceOf(code: string | undefined): string {
  // PostgreSQL's codes: errcodes appendix. Undefined table, column.
  if (code === "42P01" || code === "42703") {
    return "Core of this version has not been ready yet: `npx hive status` tells more.";
  }
  if (code === "28P01") return "The database refuses core's password: run `npm run up`.";
  return "Core's database does not answer: `npx hive status` tells what runs.";
}
