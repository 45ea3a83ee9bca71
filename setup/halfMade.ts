import pg from "pg";

import type { PostgresAccess } from "../cli/postgresAccess.ts";
import { SetupError } from "./setupError.ts";

/** An object whose making was cut off: it may be there although no state knows it. */
export interface HalfMade {
  readonly urn: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** How to reach the servers that objects are made in. */
export interface Servers {
  readonly keycloak: { readonly port: number; readonly clientSecret: string };
  readonly postgres: PostgresAccess;
}

/**
 * Takes away objects of which only a beginning can exist, so that they can be made again: Keycloak
 * and PostgreSQL refuse a second one of the same name. Resources of the host adopt what is there.
 * @throws SetupError rather than take away a database with tables in it
 */
export async function removeHalfMade(
  objects: readonly HalfMade[],
  { keycloak, postgres }: Servers,
): Promise<void> {
  const inKeycloak = objects.filter(({ type }) => type.startsWith("keycloak:"));
  if (inKeycloak.length > 0) {
    const admin = await signIn(keycloak.port, keycloak.clientSecret);
    for (const object of inKeycloak) await removeFromKeycloak(object, admin);
  }
  for (const { type, inputs } of objects) {
    if (type === "postgresql:index/role:Role") await dropRole(text(inputs, "name"), postgres);
    if (type === "postgresql:index/database:Database") {
      await dropDatabase(text(inputs, "name"), postgres);
    }
  }
}

/** Calls Keycloak's admin REST interface; undefined for a 404. */
type Admin = (method: "GET" | "DELETE", path: string) => Promise<unknown>;

async function signIn(port: number, clientSecret: string): Promise<Admin> {
  const url = `http://127.0.0.1:${port}`;
  const answer = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "hivematrix-administrator",
      client_secret: clientSecret,
    }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) {
    throw new SetupError(
      `Keycloak does not let the administrator client in (HTTP ${answer.status}): see \`npx hive status\`, then run the same command again.`,
    );
  }
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return async (method, path) => {
    const response = await fetch(`${url}/admin/realms/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    });
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new SetupError(`Keycloak answers ${response.status} to ${method} ${path}.`);
    return method === "GET" ? await response.json() : undefined;
  };
}

/** Where a type's objects are listed, and the property and input that name one. */
const listings: Readonly<Record<string, { path: string; property: string; input: string }>> = {
  "keycloak:openid/client:Client": { path: "clients", property: "clientId", input: "clientId" },
  "keycloak:openid/clientScope:ClientScope": {
    path: "client-scopes",
    property: "name",
    input: "name",
  },
  "keycloak:index/group:Group": { path: "groups", property: "name", input: "name" },
  "keycloak:index/user:User": { path: "users", property: "username", input: "username" },
};

/** Types not named here are lists written as a whole: to write them again is no conflict. */
async function removeFromKeycloak({ type, inputs }: HalfMade, admin: Admin): Promise<void> {
  if (type === "keycloak:index/realm:Realm") {
    await admin("DELETE", text(inputs, "realm"));
    return;
  }
  const realm = type in listings || type.endsWith("Mapper") ? text(inputs, "realmId") : "";
  const scope = type.endsWith("Mapper") ? text(inputs, "clientScopeId") : "";
  const listing = type.endsWith("Mapper")
    ? { path: `client-scopes/${scope}/protocol-mappers/models`, property: "name", input: "name" }
    : listings[type];
  if (listing === undefined) return;
  const found = (await admin("GET", `${realm}/${listing.path}`)) as
    Record<string, unknown>[] | undefined;
  const name = text(inputs, listing.input);
  for (const object of found ?? []) {
    if (object[listing.property] !== name) continue;
    await admin("DELETE", `${realm}/${listing.path}/${text(object, "id")}`);
  }
}

async function dropRole(role: string, server: Servers["postgres"]): Promise<void> {
  await withClient(server, server.database, (client) =>
    client.query(`DROP ROLE IF EXISTS ${pg.escapeIdentifier(role)}`),
  );
}

async function dropDatabase(database: string, server: Servers["postgres"]): Promise<void> {
  const there = await withClient(server, server.database, (client) =>
    client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]),
  );
  if (there.rowCount === 0) return;
  const tables = await withClient(server, database, (client) =>
    client.query("SELECT 1 FROM pg_stat_user_tables LIMIT 1"),
  );
  if (tables.rowCount !== 0) {
    throw new SetupError(
      `The database ${database} is there with tables in it, but not in Pulumi's state: nothing was removed. Import it with \`pulumi import postgresql:index/database:Database ${database}-db-database ${database}\`.`,
    );
  }
  await withClient(server, server.database, (client) =>
    client.query(`DROP DATABASE ${pg.escapeIdentifier(database)}`),
  );
}

async function withClient<T>(
  server: Servers["postgres"],
  database: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...server, database });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function text(values: Readonly<Record<string, unknown>>, name: string): string {
  const value = values[name];
  if (typeof value !== "string" || value === "") throw new Error(`${name} is no text`);
  return value;
}
