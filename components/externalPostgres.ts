import * as postgresql from "@pulumi/postgresql";
import type * as pulumi from "@pulumi/pulumi";

import { File } from "../provider/sdk/file.ts";
import { Sql } from "../provider/sdk/sql.ts";
import type { Host } from "./host.ts";
import { binariesOf } from "./postgresCluster.ts";
import type { PostgresNodes } from "./postgresServer.ts";

/** A server that somebody else looks after. */
export interface ExternalServer {
  /** Name or address; its certificate must be for it. */
  readonly host: string;
  readonly port: number;
  /** Who may make roles and databases. */
  readonly username: string;
  readonly password: pulumi.Input<string>;
  /** Database to enter by. */
  readonly database: string;
  /** Certificate authority, where Pulumi runs: path and PEM text. */
  readonly authority: { readonly path: string; readonly pem: string };
}

/** Old enough for what is used here: owners of the schema public, checks of SET ROLE. */
const oldest = 15;

const version = `SELECT current_setting('server_version_num')::int >= ${String(oldest * 10_000)}`;

/**
 * A server elsewhere, by TLS, its name checked (verify-full). Its settings, its pg_hba.conf and its backups
 * are its owner's; that nobody else gets into our databases is said in them.
 */
export function useExternal(
  name: string,
  { host, server }: { readonly host: Host; readonly server: ExternalServer },
  parent: pulumi.Resource,
): PostgresNodes {
  const child = { parent, provider: host.provider };
  const authority = `${host.root}/postgres-authority.crt`;
  const file = new File(
    `${name}-authority`,
    { path: authority, content: server.authority.pem, mode: "0644", ...host.owned },
    { ...child, dependsOn: host.ready },
  );
  const { username, password } = server;
  const sql = {
    binaries: host.versions.apply(binariesOf),
    host: server.host,
    port: server.port,
    authority,
    username,
    password,
  };
  const ready = new Sql(
    `${name}-rights`,
    {
      ...sql,
      database: server.database,
      refusals: [
        {
          query: `SELECT current_setting('server_version') WHERE NOT (${version})`,
          message: `PostgreSQL at ${server.host}:${String(server.port)} is version %s; the platform needs ${String(oldest)} or newer.`,
        },
      ],
      check: version,
    },
    { ...child, dependsOn: file },
  );
  const provider = new postgresql.Provider(
    `${name}-provider`,
    {
      host: server.host,
      port: server.port,
      username,
      password,
      database: server.database,
      sslmode: "verify-full",
      sslrootcert: server.authority.path,
      // Who is no superuser cannot read passwords back; ours are in the state.
      superuser: false,
      expectedVersion: `${String(oldest)}.0.0`,
      connectTimeout: 15,
    },
    { parent, dependsOn: ready },
  );
  return {
    address: { host: server.host, port: server.port },
    authority,
    home: server.database,
    sql,
    data: undefined,
    provider,
    ready,
  };
}
