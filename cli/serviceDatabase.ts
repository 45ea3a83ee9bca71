import pg from "pg";
import { z } from "zod";

import { databaseAccess, databaseEnv } from "../runtime/kernel/config.ts";
import { HiveError } from "./hiveError.ts";

const environment = z.object(databaseEnv);

/**
 * A client of a service's own database, not connected yet.
 * @param variables the service's environment
 * @param service for the sentence when there is no database in it
 * @throws HiveError
 */
export function databaseClient(
  variables: Readonly<Record<string, string>>,
  service: string,
  settings: pg.ClientConfig,
): pg.Client {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) {
    throw new HiveError(`${service} has no database in its environment: run \`npm run up\`.`);
  }
  const client = new pg.Client({
    ...databaseAccess(parsed.data),
    connectionTimeoutMillis: 5000,
    statement_timeout: 30_000,
    ...settings,
  });
  // A broken connection is told by the next query.
  client.on("error", () => undefined);
  return client;
}
