import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { Secret } from "../provider/sdk/secret.ts";
import { Sql } from "../provider/sdk/sql.ts";
import { refusalsOf } from "./databaseClaim.ts";
import { rolesOf, turnOf } from "./databaseNames.ts";
import { databaseRights } from "./databaseRights.ts";
import type { Host } from "./host.ts";
import { connections } from "./postgresSettings.ts";
import type { PostgresServer } from "./postgresServer.ts";

export interface DatabaseArgs {
  readonly host: Host;
  readonly server: PostgresServer;
  /** Its name; its roles are named after it. */
  readonly database: string;
  /** How often its password was replaced (`hive rotate database`). Default 0. */
  readonly rotation?: number | undefined;
  /** Kept for a service that is not installed: nobody signs in. Default false. */
  readonly closed?: boolean | undefined;
}

/** Milliseconds of one statement; whoever needs longer says so (SET statement_timeout). */
const statementTimeout = 300_000;

/**
 * One database and its roles: `<database>_owner`, which cannot sign in and owns it, and two that sign in
 * in turn, `<database>` and `<database>_second`, each with a generated password: a new password is given
 * to the one nobody uses, the service moves over, the other is closed (docs/decisions/0023).
 * Protected: a plan that would delete it is refused.
 */
export class Database extends pulumi.ComponentResource {
  readonly database: string;
  /** Who signs in at the moment. */
  readonly username: string;
  readonly password: pulumi.Output<string>;
  /** How a service of our own is told of it (runtime/kernel/config.ts). */
  readonly environment: {
    readonly DB_HOST: string;
    readonly DB_PORT: string;
    readonly DB_NAME: string;
    readonly DB_USER: string;
    readonly DB_PASSWORD: pulumi.Output<string>;
    readonly DB_AUTHORITY?: string;
  };
  /** The last thing made; whatever reads it depends on it. */
  readonly ready: pulumi.Resource;
  readonly #makeLogin: (turn: 0 | 1, login: boolean, after: pulumi.Resource) => pulumi.Resource;
  readonly #former: 0 | 1;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, server, ...plain } = args;
    const { database, rotation = 0, closed = false } = plain;
    super("hivematrix:index:Database", name, plain, opts);
    const roles = rolesOf(database);
    const { active, versions } = turnOf(rotation);
    const onHost = { parent: this, provider: host.provider };
    // Dropping one by one is needless when the whole server goes.
    const sql = {
      parent: this,
      provider: server.provider,
      ...(server.data === undefined ? {} : { deletedWith: server.data }),
    };
    this.database = database;
    this.username = roles.logins[active];
    this.#former = active === 0 ? 1 : 0;

    const passwords = [
      new Secret(`${name}-password`, versionOf(versions[0]), onHost),
      new Secret(`${name}-password-second`, versionOf(versions[1]), onHost),
    ] as const;
    const claim = new Sql(
      `${name}-claim`,
      {
        ...server.sql,
        database: server.home,
        refusals: refusalsOf(database, roles, { name, server: server.name }),
        check: "SELECT true",
      },
      { ...onHost, dependsOn: server.ready },
    );
    const owner = new postgresql.Role(
      `${name}-owner`,
      { name: roles.owner, login: false },
      { ...sql, dependsOn: claim },
    );
    this.#makeLogin = (turn, login, after) =>
      new postgresql.Role(
        turn === 0 ? `${name}-role` : `${name}-role-second`,
        {
          name: roles.logins[turn],
          login,
          password: passwords[turn].value,
          roles: [owner.name],
          connectionLimit: connections,
          statementTimeout,
        },
        { ...sql, dependsOn: after },
      );
    const role = this.#makeLogin(active, !closed, claim);
    const made = new postgresql.Database(
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
    this.ready = new Sql(
      `${name}-rights`,
      { ...server.sql, database, ...databaseRights(roles, roles.logins[active]) },
      { ...onHost, dependsOn: made },
    );
    if (closed) this.usedBy(made);

    this.password = passwords[active].value;
    this.environment = {
      DB_HOST: server.address.host,
      DB_PORT: String(server.address.port),
      DB_NAME: database,
      DB_USER: this.username,
      DB_PASSWORD: this.password,
      ...(server.authority === undefined ? {} : { DB_AUTHORITY: server.authority }),
    };
    this.registerOutputs({ database, username: this.username });
  }

  /**
   * Closes the login whose turn it is not, once `process` signs in as the other. Whoever declares the
   * process calls it, once.
   */
  usedBy(process: pulumi.Resource): void {
    this.#makeLogin(this.#former, false, process);
  }
}

/** The first is what `Secret` makes anyway. */
function versionOf(version: number): { version?: number } {
  return version === 1 ? {} : { version };
}
