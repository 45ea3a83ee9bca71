import { z } from "zod";

import { Fault } from "../fault.ts";
import { type Context, lastLines, type Of } from "../resource.ts";
import { absolutePath } from "../schema.ts";

/** How psql on the host reaches a database. */
export const connection = {
  binaries: absolutePath().describe("Folder that holds psql."),
  host: z.string().min(1).default("127.0.0.1").describe("Name or address; default 127.0.0.1."),
  port: z.int().min(1).max(65_535).describe("TCP port."),
  authority: absolutePath()
    .optional()
    .describe(
      "Certificate authority on the host, PEM: TLS, and the name is checked. Default: none.",
    ),
  username: z.string().min(1).describe("Who signs in."),
  password: z.string().min(1).describe("Secret; reaches psql in its environment."),
  database: z.string().min(1).describe("Where it is run."),
};

export type Connection = Of<typeof connection>;

/** Seconds a connection may take. */
const patience = "15";

/**
 * Runs SQL from standard input, all of it or nothing.
 * @returns what it printed, unaligned and without headers
 * @throws Fault with one sentence that says what to do next
 */
export async function runSql(
  { transport, signal }: Context,
  to: Connection,
  sql: string,
): Promise<string> {
  const argv = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--single-transaction"];
  const result = await transport.run(
    [`${to.binaries}/psql`, ...argv, "--set=ON_ERROR_STOP=1", "--file=-"],
    { env: environmentOf(to), stdin: sql, signal },
  );
  if (result.code === 0) return result.stdout.trim();
  throw new Fault(explain(to, result.stderr));
}

/** As libpq reads it: nothing has to be quoted, nothing is seen in a list of processes. */
function environmentOf(to: Connection): Record<string, string> {
  return {
    PGHOST: to.host,
    PGPORT: String(to.port),
    PGUSER: to.username,
    PGPASSWORD: to.password,
    PGDATABASE: to.database,
    PGCONNECT_TIMEOUT: patience,
    PGCLIENTENCODING: "UTF8",
    PGAPPNAME: "hivematrix",
    ...(to.authority === undefined
      ? { PGSSLMODE: "disable" }
      : { PGSSLMODE: "verify-full", PGSSLROOTCERT: to.authority }),
  };
}

/** One sentence for what libpq and the server say; whatever is not known here is passed on. */
export function explain(to: Pick<Connection, "host" | "port" | "username">, said: string): string {
  const where = `PostgreSQL at ${to.host}:${String(to.port)}`;
  if (/password authentication failed/.test(said)) {
    return `${where} refuses the password of ${to.username}: give it the one in the configuration (ALTER ROLE … PASSWORD), or the configuration the right one, and run the same command again.`;
  }
  if (/no pg_hba.conf entry/.test(said)) {
    return `${where} lets ${to.username} in from nowhere we are: add a line for it to the server's pg_hba.conf and run the same command again.`;
  }
  if (/server does not support SSL|certificate|SSL error/i.test(said)) {
    return `${where} does not prove who it is by TLS (${lastLines(said, 1)}): give it a certificate for this name, or the configuration the right authority.`;
  }
  if (/No space left on device|could not extend file/.test(said)) {
    return `${where} has no space left on its disk: nothing was changed; make room and run the same command again.`;
  }
  if (
    /Connection refused|timeout expired|could not translate host name|No route|closed the connection|starting up/.test(
      said,
    )
  ) {
    return `${where} does not answer: start it, then run the same command again.`;
  }
  if (/permission denied|must be (superuser|owner)/.test(said)) {
    return `${where} does not allow ${to.username} this (${lastLines(said, 1)}): let somebody do it who may.`;
  }
  return `${where} says: ${lastLines(said, 3)}`;
}
