import type * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import type { SqlServer } from "../provider/sdk/sql.ts";
import { type ExternalServer, useExternal } from "./externalPostgres.ts";
import type { Host } from "./host.ts";
import { makeCluster } from "./postgresCluster.ts";

export interface PostgresServerArgs {
  readonly host: Host;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Each database is open to its own roles and to nobody else (pg_hba). */
  readonly databases: readonly string[];
  /** Megabytes it may take. Default: an eighth of the machine's memory. */
  readonly memory?: number | undefined;
  /** Major version; another than the data's copies it. Default: the Debian package's. */
  readonly version?: number | undefined;
  /** Folder of its programs. Default: Debian's for that version. */
  readonly binaries?: string | undefined;
  /** A server that somebody else looks after, in the place of one of our own. */
  readonly external?: ExternalServer | undefined;
}

/** What the rest of the platform knows of a server, whoever looks after it. */
export interface PostgresNodes {
  /** As the services reach it. */
  readonly address: { readonly host: string; readonly port: number };
  /** Path on the host of the authority that clients check it by; undefined: loopback, no TLS. */
  readonly authority: string | undefined;
  /** How psql on the host reaches it, as the one who makes databases and roles. */
  readonly sql: SqlServer;
  /** Database that one enters by. */
  readonly home: string;
  /** Provider that databases and roles are made with. */
  readonly provider: postgresql.Provider;
  /** The data folder; databases are gone when it is. Undefined: not ours. */
  readonly data: pulumi.Resource | undefined;
  /** The last thing made; whatever is made inside depends on it. */
  readonly ready: pulumi.Resource;
}

/** PostgreSQL: a server of the platform's own, on loopback only, or an external one by TLS. */
export class PostgresServer extends pulumi.ComponentResource implements PostgresNodes {
  /** Of the component, for messages that name it. */
  readonly name: string;
  readonly address: PostgresNodes["address"];
  readonly authority: string | undefined;
  readonly sql: SqlServer;
  readonly home: string;
  readonly provider: postgresql.Provider;
  readonly data: pulumi.Resource | undefined;
  readonly ready: pulumi.Resource;

  constructor(name: string, args: PostgresServerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, external, ...plain } = args;
    super("hivematrix:index:PostgresServer", name, plain, opts);
    const nodes =
      external === undefined
        ? makeCluster(name, args, this)
        : useExternal(name, { host, server: external }, this);
    this.name = name;
    this.address = nodes.address;
    this.authority = nodes.authority;
    this.sql = nodes.sql;
    this.home = nodes.home;
    this.provider = nodes.provider;
    this.data = nodes.data;
    this.ready = nodes.ready;
    this.registerOutputs({ address: this.address });
  }
}
