import { readFileSync } from "node:fs";

import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { Database } from "../../components/database.ts";
import { serverRights } from "../../components/databaseRights.ts";
import { Host } from "../../components/host.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { mockEngine, secret, unknown } from "../support/engine.ts";

const bin = "/usr/lib/postgresql/15/bin";
const folder = "/srv/hive/postgres";
const script = readFileSync(
  new URL("../../components/postgresCluster.sh", import.meta.url),
  "utf8",
);

function build(user?: string): PostgresServer {
  const host = new Host("host", { root: "/srv/hive", user });
  return new PostgresServer("postgres", { host, port: 5433, databases: ["core", "logger"] });
}

describe("components/PostgresServer", () => {
  it("makes a cluster of its own, its configuration, the process and the provider", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const children = engine.childrenOf("postgres");
    expect(children).to.deep.equal({
      "postgres-password": { type: "host:index:Secret", inputs: {} },
      "postgres-data": {
        type: "host:index:Directory",
        inputs: { path: folder, mode: "0700", purge: false },
      },
      "postgres-cluster": {
        type: "host:index:Exec",
        inputs: {
          command: ["/bin/sh", "-ec", script, "cluster", bin, `${folder}/data`, "5433"],
          stdin: secret("value of postgres-password"),
          creates: `${folder}/data/PG_VERSION`,
        },
      },
      "postgres-settings": {
        type: "host:index:File",
        inputs: {
          path: `${folder}/postgresql.conf`,
          content: children["postgres-settings"]?.inputs["content"],
          mode: "0600",
        },
      },
      "postgres-access": {
        type: "host:index:File",
        inputs: {
          path: `${folder}/pg_hba.conf`,
          content: children["postgres-access"]?.inputs["content"],
          mode: "0600",
        },
      },
      "postgres-service": {
        type: "host:index:Service",
        inputs: {
          name: "postgres",
          directory: "/srv/hive/service",
          state: "/srv/hive/services/postgres",
          command: [
            `${bin}/postgres`,
            "-D",
            `${folder}/data`,
            "-c",
            `config_file=${folder}/postgresql.conf`,
          ],
          env: {},
          cwd: folder,
          ready: [
            {
              exec: {
                command: [
                  `${bin}/psql`,
                  "--no-psqlrc",
                  "--quiet",
                  "--command=SELECT 1",
                  "--dbname=host=127.0.0.1 port=5433 user=postgres dbname=postgres",
                ],
                env: { PGPASSWORD: secret("value of postgres-password") },
              },
            },
          ],
          restartOn: ["run of postgres-cluster", "sha256 of postgres-settings"],
          reloadOn: ["sha256 of postgres-access"],
          stopSignal: "INT",
        },
      },
      "postgres-rights": {
        type: "host:index:Sql",
        inputs: {
          binaries: bin,
          port: 5433,
          username: "postgres",
          password: secret("value of postgres-password"),
          database: "postgres",
          ...serverRights,
        },
      },
      "postgres-provider": {
        type: "pulumi:providers:postgresql",
        inputs: {
          host: "127.0.0.1",
          port: "5433",
          username: "postgres",
          password: secret("value of postgres-password"),
          sslmode: "disable",
          expectedVersion: "15.0.0",
          connectTimeout: "15",
        },
      },
    });
  });

  it("lets each role into the database of its name alone, over loopback, by password", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const { content } = engine.find("postgres-access").inputs;
    expect(content).to.equal(
      [
        "# TYPE  DATABASE  USER  ADDRESS  METHOD",
        "host all postgres 127.0.0.1/32 scram-sha-256",
        "host replication postgres 127.0.0.1/32 scram-sha-256",
        'host "core" "core","core_second" 127.0.0.1/32 scram-sha-256',
        'host "logger" "logger","logger_second" 127.0.0.1/32 scram-sha-256',
        "",
      ].join("\n"),
    );
  });

  it("listens on loopback only, without a socket, on the port given", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const { content } = engine.find("postgres-settings").inputs;
    expect(String(content).split("\n")).to.include.members([
      `hba_file = '${folder}/pg_hba.conf'`,
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      "port = 5433",
      "password_encryption = scram-sha-256",
    ]);
  });

  it("is sized to the machine it runs on", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const { content } = engine.find("postgres-settings").inputs;
    expect(String(content).split("\n")).to.include.members([
      "shared_buffers = 512MB",
      "max_parallel_workers = 4",
    ]);
  });

  it("gives everything to the host's user", async () => {
    const engine = await mockEngine();
    build("hive");
    await engine.drain();
    for (const name of ["postgres-data", "postgres-settings", "postgres-access"]) {
      expect(engine.find(name).inputs, name).to.include({ owner: "hive", group: "hive" });
    }
    for (const name of ["postgres-cluster", "postgres-service"]) {
      expect(engine.find(name).inputs, name).to.include({ user: "hive" });
    }
  });

  it("takes the binaries of the version that is installed", async () => {
    const engine = await mockEngine({
      outputs: { "host-packages": { versions: { postgresql: "17+278" } } },
    });
    build();
    await engine.drain();
    const { command } = engine.find("postgres-service").inputs;
    expect(command).to.include("/usr/lib/postgresql/17/bin/postgres");
  });

  it("has a provider that is complete in the first preview but for the password", async () => {
    const engine = await mockEngine({ preview: true });
    build();
    await engine.drain();
    const { inputs } = engine.find("postgres-provider");
    expect(inputs).to.include({ host: "127.0.0.1", port: "5433", username: "postgres" });
    expect(inputs["password"]).to.deep.equal(unknown);
  });

  it("keeps the data of a version that was chosen beside the former one's", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    new PostgresServer("postgres", { host, port: 5433, databases: [], version: 18 });
    await engine.drain();
    expect(engine.find("postgres-cluster").inputs).to.include({
      creates: `${folder}/data-18/PG_VERSION`,
    });
    expect(engine.find("postgres-service").inputs["command"]).to.include.members([
      "/usr/lib/postgresql/18/bin/postgres",
      `${folder}/data-18`,
    ]);
  });

  it("is used by TLS with its name checked when somebody else looks after it", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    const external = {
      host: "db.example",
      port: 5432,
      username: "hive",
      password: pulumi.secret("s3cret"),
      database: "postgres",
      authority: { path: "/here/ca.crt", pem: "PEM" },
    };
    const server = new PostgresServer("postgres", {
      host,
      port: 5433,
      databases: ["core"],
      external,
    });
    const made = new Database("core-db", { host, server, database: "core" });
    await engine.drain();
    expect(Object.keys(engine.childrenOf("postgres"))).to.have.members([
      "postgres-authority",
      "postgres-rights",
      "postgres-provider",
    ]);
    expect(engine.find("postgres-provider").inputs).to.include({
      host: "db.example",
      sslmode: "verify-full",
      sslrootcert: "/here/ca.crt",
      superuser: "false",
    });
    expect(engine.find("postgres-rights").inputs).to.include({
      host: "db.example",
      authority: "/srv/hive/postgres-authority.crt",
    });
    expect(engine.find("core-db-owner").deletedWith).to.equal(undefined);
    expect(made.environment).to.include({
      DB_HOST: "db.example",
      DB_PORT: "5432",
      DB_AUTHORITY: "/srv/hive/postgres-authority.crt",
    });
  });
});
