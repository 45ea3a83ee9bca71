import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../provider/sdk/directory.ts";
import { Exec } from "../provider/sdk/exec.ts";
import { File } from "../provider/sdk/file.ts";
import { Secret } from "../provider/sdk/secret.ts";
import type { Host } from "./host.ts";
import { superviseProcess } from "./process.ts";

export interface PostgresServerArgs {
  readonly host: Host;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Each database is open to the role of its own name and to nobody else (pg_hba). */
  readonly databases: readonly string[];
}

const superuser = "postgres";

/** Its process, and what names its account on a real host. */
const service = "postgres";

/**
 * Makes the cluster beside its place and moves it there when it is whole: a cut off initdb leaves a
 * PG_VERSION too. `cat`, because a parent's stdin may be a socket, which cannot be opened by name.
 */
const initialize = [
  'rm -rf "$2.part"',
  `cat | "$1/initdb" --pgdata "$2.part" --username ${superuser} --pwfile=/dev/stdin \\`,
  "  --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums",
  'mv "$2.part" "$2"',
].join("\n");

/** A PostgreSQL server of the platform's own, on loopback only, from the distribution's binaries. */
export class PostgresServer extends pulumi.ComponentResource {
  readonly port: number;
  /** Folder of the distribution's binaries; known once the package is installed. */
  readonly binaries: pulumi.Output<string>;
  /** Provider that databases and roles are made with. */
  readonly provider: postgresql.Provider;
  /** The data folder; databases are gone when it is. */
  readonly data: Directory;

  constructor(name: string, args: PostgresServerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    const { port } = plain;
    super("hivematrix:index:PostgresServer", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    const path = `${host.root}/postgres`;
    const { runAs, owned } = host.accountOf(service);
    this.port = port;
    this.binaries = host.versions.apply(binariesOf);

    const password = new Secret(`${name}-password`, {}, child);
    this.data = new Directory(
      `${name}-data`,
      { path, mode: "0700", purge: host.purge, ...owned },
      { ...child, dependsOn: host.ready },
    );
    const cluster = new Exec(
      `${name}-cluster`,
      {
        command: ["/bin/sh", "-ec", initialize, "initdb", this.binaries, `${path}/data`],
        stdin: password.value,
        creates: `${path}/data/PG_VERSION`,
        ...runAs,
      },
      { ...child, dependsOn: this.data },
    );
    const settings = new File(
      `${name}-settings`,
      {
        path: `${path}/postgresql.conf`,
        content: settingsOf(path, port),
        mode: "0600",
        ...owned,
      },
      { ...child, dependsOn: this.data },
    );
    const access = new File(
      `${name}-access`,
      {
        path: `${path}/pg_hba.conf`,
        content: accessOf(args.databases),
        mode: "0600",
        ...owned,
      },
      { ...child, dependsOn: this.data },
    );
    const process = superviseProcess(
      name,
      {
        host,
        service,
        description: "PostgreSQL of HiveMatrix",
        command: [
          pulumi.interpolate`${this.binaries}/postgres`,
          "-D",
          `${path}/data`,
          "-c",
          `config_file=${path}/postgresql.conf`,
        ],
        env: {},
        cwd: path,
        // With the password: another server that took the port is not taken for ours.
        ready: [
          {
            exec: {
              command: [
                pulumi.interpolate`${this.binaries}/psql`,
                "--no-psqlrc",
                "--quiet",
                "--command=SELECT 1",
                `--dbname=host=127.0.0.1 port=${String(port)} user=${superuser} dbname=postgres`,
              ],
              env: { PGPASSWORD: password.value },
            },
          },
        ],
        restartOn: [cluster.ran, settings.sha256],
        reloadOn: [access.sha256],
        // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients (postgres(1)).
        stopSignal: "INT",
        unit: { writable: [path], jit: false, memoryMax: "4G" },
      },
      { ...child, dependsOn: [cluster, settings, access] },
    );
    this.provider = new postgresql.Provider(
      `${name}-provider`,
      {
        host: "127.0.0.1",
        port: host.near(port),
        username: superuser,
        password: password.value,
        sslmode: "disable",
        // Without it the provider connects as soon as it is configured, also in a preview.
        expectedVersion: "15.0.0",
        connectTimeout: 15,
      },
      { parent: this, dependsOn: process },
    );
    this.registerOutputs({ port, binaries: this.binaries });
  }
}

/** @throws Error when the package's version has no major number. */
function binariesOf(versions: Readonly<Record<string, string>>): string {
  const major = /^\d+/.exec(versions["postgresql"] ?? "")?.[0];
  if (major === undefined) {
    throw new Error(`The package postgresql has no version that starts with a number`);
  }
  return `/usr/lib/postgresql/${major}/bin`;
}

function settingsOf(path: string, port: number): string {
  return [
    "# Written by HiveMatrix; changes are found and undone.",
    `data_directory = '${path}/data'`,
    `hba_file = '${path}/pg_hba.conf'`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    `port = ${String(port)}`,
    "max_connections = 100",
    "password_encryption = scram-sha-256",
    "logging_collector = off",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "datestyle = 'iso, mdy'",
    "default_text_search_config = 'pg_catalog.english'",
    "shared_buffers = 64MB",
    "dynamic_shared_memory_type = posix",
    "",
  ].join("\n");
}

function accessOf(databases: readonly string[]): string {
  return [
    "# TYPE  DATABASE  USER  ADDRESS  METHOD",
    `host all ${superuser} 127.0.0.1/32 scram-sha-256`,
    ...databases.map((name) => `host ${name} ${name} 127.0.0.1/32 scram-sha-256`),
    "",
  ].join("\n");
}
