import { expect } from "chai";
import { z } from "zod";

import { App } from "../../components/app.ts";
import { Callers } from "../../components/callers.ts";
import { Core } from "../../components/core.ts";
import { Database } from "../../components/database.ts";
import { Host } from "../../components/host.ts";
import { KeycloakServer } from "../../components/keycloakServer.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { Realm } from "../../components/realm.ts";
import { Runtime } from "../../components/runtime.ts";
import { ServiceDirectory } from "../../components/serviceDirectory.ts";
import { ports } from "../../ports.js";
import { tokenRulesOf, tokenSettings } from "../../tokenRules.ts";
import { mockEngine, secret } from "../support/engine.ts";

function build(database: string | undefined): void {
  const host = new Host("host", { root: "/srv/hive", user: "hive" });
  const server = new PostgresServer("postgres", { host, port: 5433, databases: ["codex"] });
  const keycloak = new KeycloakServer("keycloak", {
    host,
    database: new Database("keycloak-db", { host, server, database: "keycloak" }),
    port: 8080,
    managementPort: 9000,
    publicUrl: "https://localhost:8000/keycloak",
  });
  const realm = new Realm("realm", {
    host,
    server: keycloak,
    realm: "hivematrix",
    frontendUrl: "https://localhost:8000",
    administrator: { username: "admin", email: "admin@hivematrix.local" },
  });
  const callers = new Callers("callers", { host, names: ["core", "codex"] });
  const core = new Core("core", {
    host,
    runtime: new Runtime("runtime", { host }),
    database: new Database("core-db", { host, server, database: "core" }),
    keycloak,
    realm,
    callers,
    port: 5000,
    gateway: "nexus",
    loggerUrl: "http://localhost:5004",
    rules: tokenRulesOf({}, z.object(tokenSettings).parse({})),
    apps: [],
  });
  new App("codex", {
    host,
    server,
    directory: "/srv/codex",
    command: ["pyenv/bin/python", "run.py"],
    port: 5010,
    health: "/health",
    database,
    callers,
    core,
    keycloak,
    realm,
    services: new ServiceDirectory("services", { host, apps: {}, ports: ports() }),
    loggerUrl: "http://localhost:5004",
    origin: "https://localhost:8000",
  });
}

describe("components/App", () => {
  it("starts a service with what services of the platform read", async () => {
    const engine = await mockEngine();
    build("codex");
    await engine.drain();
    expect(engine.find("codex-service").inputs).to.deep.include({
      name: "codex",
      command: ["/srv/codex/pyenv/bin/python", "run.py"],
      cwd: "/srv/codex",
      user: "hive",
      ready: [{ http: { url: "http://127.0.0.1:5010/health" } }],
      restartOn: ["sha256 of codex-services", "sha256 of codex-conf"],
      env: {
        SERVICE_NAME: "codex",
        ENVIRONMENT: "production",
        SECRET_KEY: secret("value of codex-secret-key"),
        CORE_SERVICE_URL: secret("http://localhost:5000/as/codex/value of callers-codex"),
        HELM_SERVICE_URL: "http://localhost:5004",
        NEXUS_SERVICE_URL: "https://localhost:8000",
        KEYCLOAK_SERVER_URL: "https://localhost:8000/keycloak",
        KEYCLOAK_BACKEND_URL: "http://127.0.0.1:8080",
        KEYCLOAK_REALM: "hivematrix",
        FLASK_RUN_PORT: "5010",
        PORT: "5010",
        PYTHONUNBUFFERED: "1",
        LOG_LEVEL: "INFO",
        DB_HOST: "127.0.0.1",
        DB_PORT: "5433",
        DB_NAME: "codex",
        DB_USER: "codex",
        DB_PASSWORD: secret("value of codex-db-password"),
      },
    });
    expect(engine.find("codex-conf").inputs).to.deep.equal({
      path: "/srv/codex/instance/codex.conf",
      content: secret(
        [
          "[database]",
          "connection_string = postgresql://codex:value%20of%20codex-db-password@127.0.0.1:5433/codex",
          "db_host = 127.0.0.1",
          "db_port = 5433",
          "db_name = codex",
          "db_user = codex",
          "",
        ].join("\n"),
      ),
      mode: "0600",
      owner: "hive",
      group: "hive",
    });
  });

  it("has neither database nor file for it when it needs none", async () => {
    const engine = await mockEngine();
    build(undefined);
    await engine.drain();
    expect(Object.keys(engine.childrenOf("codex"))).to.have.members([
      "codex-secret-key",
      "codex-flaskenv",
      "codex-services",
      "codex-service",
    ]);
    expect(engine.find("codex-service").inputs["env"]).not.to.have.property("DB_NAME");
  });
});
