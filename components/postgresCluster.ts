import { readFileSync } from "node:fs";

import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";

import { Directory } from "../provider/sdk/directory.ts";
import { Exec } from "../provider/sdk/exec.ts";
import { File } from "../provider/sdk/file.ts";
import { Secret } from "../provider/sdk/secret.ts";
import { Sql } from "../provider/sdk/sql.ts";
import { rolesOf } from "./databaseNames.ts";
import { serverRights } from "./databaseRights.ts";
import type { PostgresNodes, PostgresServerArgs } from "./postgresServer.ts";
import { accessOf, settingsOf } from "./postgresSettings.ts";
import { superviseProcess } from "./process.ts";

const superuser = "postgres";

/** Its process, and what names its account on a real host. */
const service = "postgres";

/** Makes the data folder, from another version's where there is one. */
const makeData = readFileSync(new URL("./postgresCluster.sh", import.meta.url), "utf8");

/** The platform's own server: its data, settings and process, from the distribution's binaries. */
export function makeCluster(
  name: string,
  args: PostgresServerArgs,
  parent: pulumi.Resource,
): PostgresNodes {
  const { host, port, version } = args;
  const { capacity } = host;
  const child = { parent, provider: host.provider };
  const path = `${host.root}/postgres`;
  const { runAs, owned } = host.accountOf(service);
  const binaries =
    args.binaries ??
    (version === undefined ? host.versions.apply(binariesOf) : debianBinaries(version));
  // The first lies in `data`; a later version beside it, so that the former can go on.
  const folder = version === undefined ? `${path}/data` : `${path}/data-${String(version)}`;

  const password = new Secret(`${name}-password`, {}, child);
  const sql = { binaries, port, username: superuser, password: password.value };
  const data = new Directory(
    `${name}-data`,
    { path, mode: "0700", purge: host.purge, ...owned },
    { ...child, dependsOn: host.ready },
  );
  const cluster = new Exec(
    `${name}-cluster`,
    {
      command: ["/bin/sh", "-ec", makeData, "cluster", binaries, folder, String(port)],
      stdin: password.value,
      creates: `${folder}/PG_VERSION`,
      ...runAs,
    },
    { ...child, dependsOn: data },
  );
  const settings = new File(
    `${name}-settings`,
    {
      path: `${path}/postgresql.conf`,
      content: pulumi.all([capacity.memory, capacity.cores]).apply(([memory, cores]) => {
        const databases = args.databases.length;
        return settingsOf(path, port, { memory, cores, budget: args.memory, databases });
      }),
      mode: "0600",
      ...owned,
    },
    { ...child, dependsOn: data },
  );
  const access = new File(
    `${name}-access`,
    {
      path: `${path}/pg_hba.conf`,
      content: accessOf(
        superuser,
        args.databases.map((database) => ({ database, logins: rolesOf(database).logins })),
      ),
      mode: "0600",
      ...owned,
    },
    { ...child, dependsOn: data },
  );
  const process = superviseProcess(
    name,
    {
      host,
      service,
      description: "PostgreSQL of HiveMatrix",
      command: [
        pulumi.interpolate`${binaries}/postgres`,
        "-D",
        folder,
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
              pulumi.interpolate`${binaries}/psql`,
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
      unit: { writable: [path], jit: false, memoryMax: capacity.memory.apply(halfOf) },
    },
    { ...child, dependsOn: [cluster, settings, access] },
  );
  const ready = new Sql(
    `${name}-rights`,
    { ...sql, database: superuser, ...serverRights },
    { ...child, dependsOn: process },
  );
  const provider = new postgresql.Provider(
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
    { parent, dependsOn: process },
  );
  return {
    address: { host: "127.0.0.1", port },
    authority: undefined,
    home: superuser,
    sql,
    data,
    provider,
    ready,
  };
}

/** For a unit: what all of it may take, a multiple of what it is sized by. */
function halfOf(memory: number): string {
  return `${String(Math.max(1024, Math.floor(memory / 2)))}M`;
}

/** @throws Error when the package's version has no major number. */
export function binariesOf(versions: Readonly<Record<string, string>>): string {
  const major = /^\d+/.exec(versions["postgresql"] ?? "")?.[0];
  if (major === undefined) {
    throw new Error(`The package postgresql has no version that starts with a number`);
  }
  return debianBinaries(major);
}

function debianBinaries(major: number | string): string {
  return `/usr/lib/postgresql/${String(major)}/bin`;
}
