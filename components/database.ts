import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { Secret } from "../provider/sdk/secret.ts";
import type { Host } from "./host.ts";
import type { PostgresServer } from "./postgresServer.ts";

export interface DatabaseArgs {
  readonly host: Host;
  readonly server: PostgresServer;
  /** Name of the database and of the role that signs in to it. */
  readonly database: string;
}

/** Connections of one role; the server takes 100 in all. */
const connections = 30;

/**
 * One database with two roles of its own: `<database>_owner`, which cannot sign in and owns it,
 * and `<database>`, which signs in with a generated password and is a member of the owner.
 * Protected: a plan that would delete it is refused.
 */
export class Database extends pulumi.ComponentResource {
  readonly database: string;
  readonly username: string;
  readonly password: pulumi.Output<string>;
  /** How a service of our own is told of it (runtime/kernel/config.ts). */
  readonly environment: {
    readonly DB_HOST: string;
    readonly DB_PORT: string;
    readonly DB_NAME: string;
    readonly DB_USER: string;
    readonly DB_PASSWORD: pulumi.Output<string>;
  };
  /** The database itself; whatever reads it depends on it. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, server, ...plain } = args;
    const { database } = plain;
    super("hivematrix:index:Database", name, plain, opts);
    // Dropping one by one is needless when the whole server goes.
    const sql = { parent: this, provider: server.provider, deletedWith: server.data };
    this.database = database;
    this.username = database;

    const password = new Secret(`${name}-password`, {}, { parent: this, provider: host.provider });
    const owner = new postgresql.Role(
      `${name}-owner`,
      { name: `${database}_owner`, login: false },
      { ...sql, dependsOn: server },
    );
    const role = new postgresql.Role(
      `${name}-role`,
      {
        name: database,
        login: true,
        password: password.value,
        roles: [owner.name],
        connectionLimit: connections,
      },
      sql,
    );
    this.ready = new postgresql.Database(
      `${name}-database`,
      {
        name: database,
        owner: owner.name,
        encoding: "UTF8",
        lcCollate: "C.UTF-8",
        lcCtype: "C.UTF-8",
        template: "template0",
      },
      { ...sql, dependsOn: role, protect: true },
    );

    this.password = password.value;
    this.environment = {
      DB_HOST: "127.0.0.1",
      DB_PORT: String(server.port),
      DB_NAME: database,
      DB_USER: database,
      DB_PASSWORD: password.value,
    };
    this.registerOutputs({ database, username: this.username });
  }
}
