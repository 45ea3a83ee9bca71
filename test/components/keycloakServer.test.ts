import { expect } from "chai";

import { Database } from "../../components/database.ts";
import { Host } from "../../components/host.ts";
import { KeycloakServer } from "../../components/keycloakServer.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { mockEngine, secret } from "../support/engine.ts";

const folder = "/srv/hive/keycloak";
const distribution = `${folder}/26.7.3`;

function build(user?: string): KeycloakServer {
  const host = new Host("host", { root: "/srv/hive", user });
  const server = new PostgresServer("postgres", { host, port: 5433, databases: ["keycloak"] });
  const database = new Database("keycloak-db", { host, server, database: "keycloak" });
  return new KeycloakServer("keycloak", {
    host,
    database,
    port: 8080,
    managementPort: 9000,
    publicUrl: "https://localhost:8000/keycloak",
  });
}

describe("components/KeycloakServer", () => {
  it("unpacks, builds and starts Keycloak on loopback, and makes the provider", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    const children = engine.childrenOf("keycloak");
    expect(children).to.deep.equal({
      "keycloak-administrator-secret": { type: "host:index:Secret", inputs: {} },
      "keycloak-folder": {
        type: "host:index:Directory",
        inputs: { path: folder, mode: "0750", purge: true },
      },
      "keycloak-distribution": {
        type: "host:index:Archive",
        inputs: {
          path: distribution,
          source: "maven:org.keycloak:keycloak-quarkus-dist:26.7.3:tar.gz",
          sha256: "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47",
        },
      },
      "keycloak-build": {
        type: "host:index:Exec",
        inputs: {
          command: [
            `${distribution}/bin/kc.sh`,
            "build",
            "--db=postgres",
            "--health-enabled=true",
            "--metrics-enabled=true",
          ],
          env: { JAVA_OPTS_APPEND: `-XX:-UsePerfData -Djava.io.tmpdir=${folder}` },
          creates: children["keycloak-build"]?.inputs["creates"],
        },
      },
      "keycloak-service": {
        type: "host:index:Service",
        inputs: {
          name: "keycloak",
          directory: "/srv/hive/service",
          state: "/srv/hive/services/keycloak",
          command: [`${distribution}/bin/kc.sh`, "start", "--optimized"],
          cwd: folder,
          env: {
            KC_DB_URL: "jdbc:postgresql://127.0.0.1:5433/keycloak",
            KC_DB_USERNAME: "keycloak",
            KC_DB_PASSWORD: secret("value of keycloak-db-password"),
            KC_HOSTNAME: "https://localhost:8000/keycloak",
            KC_HOSTNAME_ADMIN: "http://127.0.0.1:8080",
            KC_PROXY_HEADERS: "xforwarded",
            KC_HTTP_ENABLED: "true",
            KC_HTTP_HOST: "127.0.0.1",
            KC_HTTP_PORT: "8080",
            KC_HTTP_MANAGEMENT_HOST: "127.0.0.1",
            KC_HTTP_MANAGEMENT_PORT: "9000",
            KC_CACHE: "local",
            KC_BOOTSTRAP_ADMIN_CLIENT_ID: "hivematrix-administrator",
            KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: secret("value of keycloak-administrator-secret"),
            JAVA_OPTS_KC_HEAP: "-Xms128m -Xmx512m -XX:MaxMetaspaceSize=256m",
            JAVA_OPTS_APPEND: [
              "-XX:-UsePerfData",
              `-Djava.io.tmpdir=${folder}`,
              "-XX:TieredStopAtLevel=1",
              "-XX:+IgnoreUnrecognizedVMOptions",
              "-XX:+AutoCreateSharedArchive",
              `-XX:SharedArchiveFile=${folder}/classes.jsa`,
            ].join(" "),
          },
          ready: [
            { http: { url: "http://127.0.0.1:9000/health/ready" } },
            { http: { url: "http://127.0.0.1:8080/realms/none", status: 404 } },
          ],
          readyTimeout: 180,
          restartOn: ["run of keycloak-build"],
        },
      },
      "keycloak-provider": {
        type: "pulumi:providers:keycloak",
        inputs: {
          url: "http://127.0.0.1:8080",
          realm: "master",
          clientId: "hivematrix-administrator",
          clientSecret: secret("value of keycloak-administrator-secret"),
          initialLogin: "false",
          clientTimeout: "30",
        },
      },
    });
    expect(String(children["keycloak-build"]?.inputs["creates"])).to.match(
      /^\/srv\/hive\/keycloak\/26/,
    );
  });

  it("knows its URL before anything is there, also in the provider of the realm", async () => {
    const engine = await mockEngine({ preview: true });
    const { url } = build();
    await engine.drain();
    expect(url).to.equal("http://127.0.0.1:8080");
    expect(engine.find("keycloak-provider").inputs).to.include({ url, initialLogin: "false" });
  });

  it("starts after its database and its build; the provider comes after the process", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    expect(engine.find("keycloak-service").dependsOn).to.include.members([
      "keycloak-build",
      "keycloak-db-rights",
    ]);
    expect(engine.find("keycloak-provider").dependsOn).to.include("keycloak-service");
  });

  it("gives everything to the host's user", async () => {
    const engine = await mockEngine();
    build("hive");
    await engine.drain();
    for (const name of ["keycloak-folder", "keycloak-distribution"]) {
      expect(engine.find(name).inputs, name).to.include({ owner: "hive", group: "hive" });
    }
    for (const name of ["keycloak-build", "keycloak-service"]) {
      expect(engine.find(name).inputs, name).to.include({ user: "hive" });
    }
  });
});
