import { createInterface } from "node:readline/promises";

import type { Command } from "commander";
import pg from "pg";

import { HiveError } from "./hiveError.ts";
import { openOutput } from "./output.ts";
import type { PostgresAccess } from "./postgresAccess.ts";
import { readRecord, writeRecord } from "./record.js";
import { StackState } from "./stackState.ts";
import { findNearest, findTrial, listServices, type Trial } from "./trial.ts";

interface Options {
  readonly stack: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** What is left of a service. */
interface Remains {
  readonly database: string;
  readonly roles: readonly string[];
  /** As PostgreSQL says it; undefined when the database is gone already. */
  readonly size: string | undefined;
  readonly tables: number;
}

export function addApp(program: Command): void {
  program
    .command("app")
    .description("services besides the platform's own")
    .command("purge")
    .description("drop for ever the data of a service that is not installed any more")
    .argument("<name>", "as in apps_registry.json")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("-y, --yes", "do not ask")
    .option("--json", "print JSON")
    .action((name: string, options: Options) => purge(findTrial(options.stack), name, options));
}

/** Interrupted, the same command goes on. */
async function purge(trial: Trial, name: string, { yes, json }: Options): Promise<void> {
  const state = new StackState(trial.checkout, trial.stack);
  const installed =
    listServices(trial).includes(name) ||
    state.resources().some(({ urn }) => urn.endsWith(`::${name}-service`));
  if (installed) {
    throw new HiveError(
      `${name} is installed: take it out of hivematrix:apps in Pulumi.${trial.stack}.yaml, run \`npm run up\`, then this command again.`,
      2,
    );
  }
  const database = choose(trial, name);
  const access = state.postgres();
  const client = await connect(access);
  try {
    const remains = await look(client, access, database);
    if (yes !== true) await confirm(name, remains);
    const { roles } = remains;
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
    await client.query(`DROP ROLE IF EXISTS ${roles.map(pg.escapeIdentifier).join(", ")}`);
    const forgotten = state.forget(({ urn }) => belongsTo(urn, name));
    forget(trial, name, database);
    const output = openOutput();
    if (json === true) output.line(JSON.stringify({ name, ...remains, forgotten }, null, 2));
    else output.line(`${output.green("✓")} gone: ${describe(remains)}`);
  } finally {
    await client.end();
  }
}

/** @throws HiveError naming what is kept */
function choose(trial: Trial, name: string): string {
  const kept = readRecord(trial.checkout, trial.stack)?.databases ?? {};
  const database = Object.hasOwn(kept, name) ? kept[name] : undefined;
  if (database !== undefined) return database;
  const nearest = findNearest(name, Object.keys(kept));
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new HiveError(`No data of a service ${name} is kept here.${hint}`, 2);
}

/** What the record says of it: the program keeps nothing for it any more. */
function forget({ checkout, stack }: Trial, name: string, database: string): void {
  const { databases, rotations } = readRecord(checkout, stack) ?? {};
  writeRecord(checkout, stack, {
    databases: without(databases, name),
    rotations: without(rotations, database),
  });
}

function without<T>(all: Readonly<Record<string, T>> = {}, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name !== key));
}

/** The component, and everything in it. */
function belongsTo(urn: string, name: string): boolean {
  const [, , types = "", resource = ""] = urn.split("::");
  const component = `${name}-db`;
  return (
    types.split("$").includes("hivematrix:index:Database") &&
    (resource === component || resource.startsWith(`${component}-`))
  );
}

async function connect(access: PostgresAccess): Promise<pg.Client> {
  const client = new pg.Client({ ...access, connectionTimeoutMillis: 5000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    throw new HiveError("PostgreSQL does not answer: `npx hive start postgres`, then again.");
  }
}

async function look(client: pg.Client, access: PostgresAccess, database: string): Promise<Remains> {
  const roles = [database, `${database}_second`, `${database}_owner`];
  const { rows } = await client.query<{ size: string }>(
    "SELECT pg_size_pretty(pg_database_size(datname)) AS size FROM pg_database WHERE datname = $1",
    [database],
  );
  const size = rows[0]?.size;
  return {
    database,
    roles,
    size,
    tables: size === undefined ? 0 : await countTables({ ...access, database }),
  };
}

async function countTables(access: PostgresAccess): Promise<number> {
  const inside = new pg.Client({ ...access });
  await inside.connect();
  try {
    const { rows } = await inside.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_user_tables",
    );
    return rows[0]?.n ?? 0;
  } finally {
    await inside.end();
  }
}

function describe({ database, roles, size, tables }: Remains): string {
  const what = size === undefined ? "gone already" : `${size}, ${String(tables)} tables`;
  return `the database ${database} (${what}) and its roles ${roles.join(", ")}`;
}

async function confirm(name: string, remains: Remains): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new HiveError(`This drops for ever ${describe(remains)}: confirm with --yes.`, 2);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(
    `This drops for ever ${describe(remains)}. Type ${name} to go on: `,
  );
  prompt.close();
  if (answer.trim() !== name) throw new HiveError("Nothing was dropped.");
}
