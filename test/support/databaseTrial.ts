import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";

import { createTrial, type ExportedResource, type Trial } from "./trial.ts";

/** The map of a platform that consists of PostgreSQL and one database for each app. */
const map = `
import { Database } from "./components/database.ts";
import { Host } from "./components/host.ts";
import { PostgresServer } from "./components/postgresServer.ts";
import { loadConfig } from "./config.ts";

const config = loadConfig();
const host = new Host("host", { root: config.root, user: config.user, purge: true });
const server = new PostgresServer("postgres", {
  host,
  port: config.ports.postgres,
  databases: config.databases,
  memory: config.postgresMemory,
  version: config.postgresVersion,
  binaries: config.postgresBinaries,
  external: config.postgres,
});
config.databases.map((database) => {
  const made = new Database(\`\${database}-db\`, {
    host,
    server,
    database,
    rotation: config.rotations[database],
  });
  made.usedBy(made.ready);
});
export const { gateway: gatewayUrl, logger: helmUrl, core: coreUrl } = config.urls;
export const keycloakAdminUrl = "http://127.0.0.1:1/admin/";
export const caCertificatePath = "/none";
export const adminUsername = "none";
export const adminPassword = "none";
`;

/** A trial without Keycloak and services: its databases are `core` and `logger`; up in seconds. */
export async function createDatabaseTrial(): Promise<Trial> {
  const trial = await createTrial();
  await writeFile(join(trial.directory, "index.ts"), map);
  return trial;
}

/** Adds a line to what the stack's configuration says. */
export async function configure(trial: Trial, line: string): Promise<void> {
  const path = join(trial.directory, "Pulumi.dev.yaml");
  await writeFile(path, `${await readFile(path, "utf8")}  ${line}\n`);
}

/** The value of a `Secret`. */
export function secretOf(resources: readonly ExportedResource[], name: string): string {
  const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
  const { value } = found?.outputs as { value: { plaintext: string } };
  return JSON.parse(value.plaintext) as string;
}

/** Runs one query on a connection of its own. */
export async function ask(
  to: pg.ClientConfig,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ host: "127.0.0.1", connectionTimeoutMillis: 10_000, ...to });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
