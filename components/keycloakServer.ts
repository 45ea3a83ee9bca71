import * as keycloak from "@pulumi/keycloak";
import * as pulumi from "@pulumi/pulumi";

import { Archive } from "../provider/sdk/archive.ts";
import { Directory } from "../provider/sdk/directory.ts";
import { Exec } from "../provider/sdk/exec.ts";
import { Secret } from "../provider/sdk/secret.ts";
import type { Database } from "./database.ts";
import type { Host } from "./host.ts";
import { type Process, superviseProcess } from "./process.ts";

export interface KeycloakServerArgs {
  readonly host: Host;
  readonly database: Database;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** TCP port on 127.0.0.1 of health and metrics. */
  readonly managementPort: number;
  /** Where people reach it, with a path and without a slash at its end: behind the gateway. */
  readonly publicUrl: string;
}

const version = "26.7.3";
const checksum = "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47";

/** Options that are fixed when Keycloak is built; a change builds it again (kc.sh build). */
const buildOptions = ["--db=postgres", "--health-enabled=true", "--metrics-enabled=true"];

/** Client of the master realm that the realm is administered with; made at the first start. */
const administrator = "hivematrix-administrator";

/** Memory of Keycloak's heap; by default it would take up to 70 % of the machine's. */
const heap = "-Xms128m -Xmx512m -XX:MaxMetaspaceSize=256m";

/** Flags for a short start and a small process: no C2 compiler, classes mapped from an archive (JDK ≥ 19). */
const javaOptions = (folder: string): string =>
  [
    // What it would leave in /tmp.
    "-XX:-UsePerfData",
    `-Djava.io.tmpdir=${folder}`,
    "-XX:TieredStopAtLevel=1",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+AutoCreateSharedArchive",
    `-XX:SharedArchiveFile=${folder}/classes.jsa`,
  ].join(" ");

/** Keycloak on loopback, on its own database, built once and started optimized. */
export class KeycloakServer extends pulumi.ComponentResource {
  /** On loopback, for the platform's own services. */
  readonly url: string;
  /** Where people reach it. */
  readonly publicUrl: string;
  /** Provider that realms are made with; signs in as the administrator client. */
  readonly provider: keycloak.Provider;
  /** The process; what it serves is gone when it is. */
  readonly service: Process;

  constructor(name: string, args: KeycloakServerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, database, ...plain } = args;
    super("hivematrix:index:KeycloakServer", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    const folder = `${host.root}/keycloak`;
    const path = `${folder}/${version}`;
    const { runAs, owned } = host.accountOf("keycloak");
    this.url = `http://127.0.0.1:${String(args.port)}`;
    this.publicUrl = args.publicUrl;

    const secret = new Secret(`${name}-administrator-secret`, {}, child);
    const directory = new Directory(
      `${name}-folder`,
      { path: folder, mode: "0750", purge: true, ...owned },
      { ...child, dependsOn: host.ready },
    );
    const distribution = new Archive(
      `${name}-distribution`,
      {
        path,
        source: `maven:org.keycloak:keycloak-quarkus-dist:${version}:tar.gz`,
        sha256: checksum,
        ...owned,
      },
      { ...child, dependsOn: directory },
    );
    const build = new Exec(
      `${name}-build`,
      {
        command: [`${path}/bin/kc.sh`, "build", ...buildOptions],
        env: { JAVA_OPTS_APPEND: `-XX:-UsePerfData -Djava.io.tmpdir=${folder}` },
        creates: `${path}/built`,
        ...runAs,
      },
      { ...child, dependsOn: distribution },
    );
    this.service = superviseProcess(
      name,
      {
        host,
        service: "keycloak",
        description: "Keycloak of HiveMatrix",
        command: [`${path}/bin/kc.sh`, "start", "--optimized"],
        cwd: folder,
        env: {
          KC_DB_URL: jdbcUrl(database.environment),
          KC_DB_USERNAME: database.username,
          KC_DB_PASSWORD: database.password,
          KC_HOSTNAME: args.publicUrl,
          // The administration console stays on loopback.
          KC_HOSTNAME_ADMIN: this.url,
          KC_PROXY_HEADERS: "xforwarded",
          KC_HTTP_ENABLED: "true",
          KC_HTTP_HOST: "127.0.0.1",
          KC_HTTP_PORT: String(args.port),
          KC_HTTP_MANAGEMENT_HOST: "127.0.0.1",
          KC_HTTP_MANAGEMENT_PORT: String(args.managementPort),
          // Without it Keycloak opens a cluster port on every interface.
          KC_CACHE: "local",
          KC_BOOTSTRAP_ADMIN_CLIENT_ID: administrator,
          KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: secret.value,
          JAVA_OPTS_KC_HEAP: heap,
          JAVA_OPTS_APPEND: javaOptions(folder),
        },
        ready: [
          { http: { url: `http://127.0.0.1:${String(args.managementPort)}/health/ready` } },
          // Looking for a realm that is in no cache asks the database: a database that was lost and
          // made again is empty, and only a restart fills it. Health alone does not notice.
          { http: { url: `${this.url}/realms/none`, status: 404 } },
        ],
        readyTimeout: 180,
        restartOn: [build.ran],
        unit: { writable: [folder], memoryMax: "2G", tasksMax: 1024, after: ["postgres"] },
      },
      { ...child, dependsOn: [build, database.ready] },
    );
    database.usedBy(this.service);
    this.provider = new keycloak.Provider(
      `${name}-provider`,
      {
        url: `http://127.0.0.1:${String(host.near(args.port))}`,
        realm: "master",
        clientId: administrator,
        clientSecret: secret.value,
        initialLogin: false,
        clientTimeout: 30,
      },
      { parent: this, dependsOn: this.service },
    );
    this.registerOutputs({ url: this.url });
  }
}

/** What the PostgreSQL driver of Java is given; it decodes the name, and the parameters. */
export function jdbcUrl(database: Database["environment"]): string {
  const { DB_HOST, DB_PORT, DB_NAME, DB_AUTHORITY } = database;
  const tls =
    DB_AUTHORITY === undefined
      ? ""
      : `?sslmode=verify-full&sslrootcert=${encodeURIComponent(DB_AUTHORITY)}`;
  return `jdbc:postgresql://${DB_HOST}:${DB_PORT}/${encodeURIComponent(DB_NAME)}${tls}`;
}
