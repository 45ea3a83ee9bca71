import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../provider/sdk/directory.ts";
import { File } from "../provider/sdk/file.ts";
import { Secret } from "../provider/sdk/secret.ts";
import type { Callers } from "./callers.ts";
import type { Core } from "./core.ts";
import { Database } from "./database.ts";
import type { Host } from "./host.ts";
import type { KeycloakServer } from "./keycloakServer.ts";
import type { PostgresServer } from "./postgresServer.ts";
import { superviseProcess } from "./process.ts";
import type { Realm } from "./realm.ts";
import type { ServiceDirectory } from "./serviceDirectory.ts";
import { renderConf, renderFlaskenv } from "./serviceFiles.ts";

export interface AppArgs {
  readonly host: Host;
  /** Folder of its code on the host; it is started there. */
  readonly directory: string;
  /** Program and arguments; a program without a slash at its start lies in `directory`. */
  readonly command: readonly string[];
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Path that answers 200 when it is ready. */
  readonly health: string;
  readonly server: PostgresServer;
  /** Name of its own database; undefined: it has none. */
  readonly database: string | undefined;
  /** How often that one's password was replaced. Default 0. */
  readonly rotation?: number | undefined;
  readonly callers: Callers;
  readonly core: Core;
  readonly keycloak: KeycloakServer;
  readonly realm: Realm;
  readonly services: ServiceDirectory;
  readonly loggerUrl: string;
  /** Origin people enter by, without a path. */
  readonly origin: string;
}

/**
 * A service whose code is not this project's, in whatever language: its process, its own secrets
 * and the files and variables that services of the platform read (contract 3.5 and 4.5).
 */
export class App extends pulumi.ComponentResource {
  constructor(name: string, args: AppArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, server, directory } = args;
    super("hivematrix:index:App", name, { directory, port: args.port }, opts);
    const child = { parent: this, provider: host.provider };
    const { owned } = host.accountOf(name);
    const database =
      args.database === undefined
        ? undefined
        : new Database(
            `${name}-db`,
            { host, server, database: args.database, rotation: args.rotation },
            // In the stack, not below the app: it stays when that goes.
            { aliases: [{ parent: this }] },
          );
    const secretKey = new Secret(`${name}-secret-key`, { length: 48 }, child);

    const names = new File(
      `${name}-services`,
      { path: `${directory}/services.json`, content: args.services.content, ...owned },
      { ...child, dependsOn: host.ready },
    );
    const env = {
      ...environmentOf(name, args),
      SECRET_KEY: secretKey.value,
      ...(database === undefined ? {} : { ...database.environment, ...libpqOf(database) }),
    };
    const files = [names, ...(database === undefined ? [] : [this.#conf(name, args, database)])];
    const byHand = this.#flaskenv(name, args, env);
    const process = superviseProcess(
      name,
      {
        host,
        service: name,
        description: `${name}, a service of HiveMatrix`,
        command: commandIn(directory, args.command),
        cwd: directory,
        env,
        ready: [{ http: { url: `http://127.0.0.1:${String(args.port)}${args.health}` } }],
        restartOn: files.map(({ sha256 }) => sha256),
        unit: {
          writable: database === undefined ? [] : [`${directory}/instance`],
          after: ["postgres", "core"],
        },
      },
      { ...child, dependsOn: [...files, byHand, args.core] },
    );
    database?.usedBy(process);
    this.registerOutputs({});
  }

  /** .flaskenv: the same for what people start by hand in its folder, such as init_db.py. */
  #flaskenv(
    name: string,
    { host, directory }: AppArgs,
    env: Readonly<Record<string, pulumi.Input<string>>>,
  ): File {
    const { owned } = host.accountOf(name);
    return new File(
      `${name}-flaskenv`,
      {
        path: `${directory}/.flaskenv`,
        content: pulumi.all(env).apply(renderFlaskenv),
        mode: "0600",
        ...owned,
      },
      { parent: this, provider: host.provider, dependsOn: host.ready },
    );
  }

  /** instance/<name>.conf: where a service finds its database. */
  #conf(name: string, { host, directory }: AppArgs, database: Database): File {
    const child = { parent: this, provider: host.provider };
    const { owned } = host.accountOf(name);
    const folder = new Directory(
      `${name}-instance`,
      { path: `${directory}/instance`, mode: "0750", ...owned },
      { ...child, dependsOn: host.ready },
    );
    const content = database.password.apply((DB_PASSWORD) =>
      renderConf({ ...database.environment, DB_PASSWORD }),
    );
    return new File(
      `${name}-conf`,
      { path: `${directory}/instance/${name}.conf`, content, mode: "0600", ...owned },
      { ...child, dependsOn: [folder, database.ready] },
    );
  }
}

/** What libpq, and with it psycopg, reads besides: an external server is checked by its name. */
function libpqOf({ environment }: Database): Record<string, string> {
  const { DB_AUTHORITY } = environment;
  return DB_AUTHORITY === undefined
    ? {}
    : { PGSSLMODE: "verify-full", PGSSLROOTCERT: DB_AUTHORITY };
}

/** What a service reads of the platform (contract 4.5). */
function environmentOf(name: string, args: AppArgs): Record<string, pulumi.Input<string>> {
  const { core, callers, keycloak, realm, origin } = args;
  return {
    SERVICE_NAME: name,
    ENVIRONMENT: "production",
    // A service that knows only this address proves who it is by it (docs/decisions/0008).
    CORE_SERVICE_URL: pulumi.interpolate`${core.url}/as/${name}/${callers.secretOf(name)}`,
    HELM_SERVICE_URL: args.loggerUrl,
    NEXUS_SERVICE_URL: origin,
    KEYCLOAK_SERVER_URL: keycloak.publicUrl,
    KEYCLOAK_BACKEND_URL: keycloak.url,
    KEYCLOAK_REALM: realm.realm,
    FLASK_RUN_PORT: String(args.port),
    PORT: String(args.port),
    PYTHONUNBUFFERED: "1",
    LOG_LEVEL: "INFO",
  };
}

function commandIn(directory: string, [program = "", ...rest]: readonly string[]): string[] {
  return [program.startsWith("/") ? program : `${directory}/${program}`, ...rest];
}
