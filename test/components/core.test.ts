import { expect } from "chai";
import { z } from "zod";

import { Callers } from "../../components/callers.ts";
import { Core } from "../../components/core.ts";
import { Database } from "../../components/database.ts";
import { Host, type HostArgs } from "../../components/host.ts";
import { KeycloakServer } from "../../components/keycloakServer.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { Realm } from "../../components/realm.ts";
import { Runtime } from "../../components/runtime.ts";
import { tokenRulesOf, tokenSettings } from "../../tokenRules.ts";
import { mockEngine } from "../support/engine.ts";
import { HostPlugin } from "../support/hostPlugin.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** What core's process is started with. */
async function start(supervisor: "runit" | "systemd", settings: object = {}): Promise<Inputs> {
  const engine = await mockEngine();
  const services = ["core", "codex"];
  const args: HostArgs = { root: "/srv/hive", user: "hive", supervisor, services };
  const host = new Host("host", args);
  const server = new PostgresServer("postgres", { host, port: 5433, databases: ["core"] });
  const keycloak = new KeycloakServer("keycloak", {
    host,
    database: new Database("keycloak-db", { host, server, database: "keycloak" }),
    port: 8080,
    managementPort: 9000,
    publicUrl: "https://localhost:8000/keycloak",
  });
  new Core("core", {
    host,
    runtime: new Runtime("runtime", { host }),
    database: new Database("core-db", { host, server, database: "core" }),
    keycloak,
    realm: new Realm("realm", {
      host,
      server: keycloak,
      realm: "hivematrix",
      frontendUrl: "https://localhost:8000",
      administrator: { username: "admin", email: "admin@hivematrix.local" },
    }),
    callers: new Callers("callers", { host, names: services }),
    port: 5000,
    gateway: "nexus",
    loggerUrl: "http://localhost:5004",
    rules: tokenRulesOf({}, z.object(tokenSettings).parse(settings)),
    apps: [{ name: "codex" }],
  });
  await engine.drain();
  return engine.registered.find(({ name, type }) => name === "core-service" && type !== "")
    ?.inputs as Inputs;
}

const envOf = (inputs: Inputs) => inputs["env"] as Readonly<Record<string, string>>;

describe("components/Core", () => {
  it("knows services by their system users where each has one of its own", async () => {
    const own = JSON.parse(envOf(await start("systemd"))["CALLER_USERS"] ?? "") as object;
    expect(own).to.deep.equal({ codex: "hive-codex" });
    expect(envOf(await start("runit"))["CALLER_USERS"]).to.equal("{}");
  });

  it("hands on what the stack says", async () => {
    const env = envOf(
      await start("runit", {
        sessionIdle: "600",
        userTokenLifetime: "900",
        minting: "forbidden",
        callerUsers: '{"codex":"www-data"}',
      }),
    );
    expect(env).to.include({
      SESSION_IDLE: "600",
      USER_TOKEN_LIFETIME: "900",
      MINTING: "forbidden",
      CALLER_USERS: '{"codex":"www-data"}',
    });
  });

  it("has a unit in which users are those of the machine (no PrivateUsers)", async () => {
    const plugin = await HostPlugin.start();
    try {
      const declared = await start("systemd");
      const command = ["/usr/bin/node", "main.js"];
      const plain = { ...declared, command, credentials: {} };
      const { inputs, failures } = await plugin.check("Unit", plain);
      expect(failures).to.deep.equal([]);
      const { properties } = await plugin.create("Unit", inputs, { preview: true });
      expect(properties["unit"]).to.include("ProtectSystem=strict");
      expect(properties["unit"]).not.to.match(/PrivateUsers|PrivateNetwork/);
    } finally {
      await plugin.stop();
    }
  });
});
