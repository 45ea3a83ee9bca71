import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { readCoreConfig } from "../runtime/core/config.ts";
import { readGatewayConfig } from "../runtime/gateway/config.ts";
import { readLoggerConfig } from "../runtime/logger/config.ts";
import { type MockEngine, mockEngine, type MockEngineOptions, secret } from "./support/engine.ts";

/** Text, plain or marked as a secret. */
type Value = string | Readonly<Record<string, string>>;

type Program = typeof import("../index.ts");

/** The resources of the default stack. Names live in the state for ever: a change brings `aliases`. */
const golden = join(import.meta.dirname, "program.urns.txt");
const realGolden = join(import.meta.dirname, "program.prod.urns.txt");

let runs = 0;

/** Runs index.ts anew in a folder of its own, with what `npm run up` wrote down there. */
async function run(
  options: MockEngineOptions = {},
  trial?: object,
): Promise<{ engine: MockEngine; program: Program; directory: string }> {
  const root = join(import.meta.dirname, "..");
  const directory = mkdtempSync(join(tmpdir(), "hivematrix-program-"));
  const before = process.cwd();
  try {
    copyFileSync(join(root, "apps_registry.json"), join(directory, "apps_registry.json"));
    if (trial !== undefined) {
      mkdirSync(join(directory, ".hive"));
      writeFileSync(join(directory, ".hive", "dev.json"), JSON.stringify(trial));
    }
    process.chdir(directory);
    const engine = await mockEngine(options);
    runs += 1;
    const program = (await import(`../index.ts?run=${runs}`)) as Program;
    await engine.drain();
    return { engine, program, directory };
  } finally {
    process.chdir(before);
    rmSync(directory, { recursive: true });
  }
}

/** Every value inside, with the path to it, for instance `command.0`. */
function* values(value: unknown, path: readonly string[] = []): Generator<[string, unknown]> {
  if (typeof value !== "object" || value === null) {
    yield [path.join("."), value];
    return;
  }
  for (const [key, inner] of Object.entries(value)) yield* values(inner, [...path, key]);
}

const secretKey = Object.keys(secret("") as object)[0] ?? "";

describe("program", () => {
  let engine: MockEngine;
  let program: Program;
  let directory: string;

  before(async () => {
    ({ engine, program, directory } = await run());
  });

  it("declares the resources of program.urns.txt", () => {
    const declared = engine.registered.map(({ urn }) => urn).toSorted();
    expect(declared).to.deep.equal(readFileSync(golden, "utf8").trim().split("\n"));
  });

  it("names every child after its parent, every name once", () => {
    const byUrn = new Map(engine.registered.map((resource) => [resource.urn, resource]));
    for (const { name, parent } of engine.registered) {
      if (parent === "") continue;
      expect(name.startsWith(`${String(byUrn.get(parent)?.name)}-`), name).to.equal(true);
    }
    const names = engine.registered.map(({ name }) => name);
    expect(names).to.have.length(new Set(names).size);
  });

  it("has only components directly in the stack, everything else in one of them", () => {
    for (const { name, type, parent, custom } of engine.registered) {
      expect(parent === "", name).to.equal(!custom);
      expect(type.startsWith("hivematrix:index:"), name).to.equal(!custom);
    }
  });

  it("uses explicit providers only", () => {
    for (const { name, type, custom, provider } of engine.registered) {
      if (!custom || type.startsWith("pulumi:providers:")) continue;
      const pack = String(type.split(":")[0]);
      expect(provider.split("::")[2], name).to.match(new RegExp(`\\$pulumi:providers:${pack}$`));
      expect(provider, name).not.to.include("::default");
    }
  });

  it("has the stack outputs that scripts rely on", async () => {
    const { adminPassword, ...plain } = program;
    expect(plain).to.deep.equal({
      gatewayUrl: "https://localhost:8000",
      helmUrl: "http://localhost:5004",
      keycloakAdminUrl: "http://127.0.0.1:8080/admin/",
      coreUrl: "http://localhost:5000",
      caCertificatePath: join(directory, ".hive", "dev", "tls", "ca.crt"),
      adminUsername: "admin",
    });
    expect(await pulumi.isSecret(adminPassword)).to.equal(true);
  });

  it("sends every generated value to the engine as a secret", () => {
    const found: string[] = [];
    for (const { name, inputs } of engine.registered) {
      for (const [path, value] of values(inputs)) {
        if (!/^(value|private key) of /.test(String(value))) continue;
        found.push(`${name} ${path}`);
        expect(path.split("."), `${name} ${path}`).to.include(secretKey);
      }
    }
    expect(found).to.have.length.greaterThan(10);
  });

  it("gives each service an environment that its own schema takes", () => {
    for (const [name, read] of [
      ["core", readCoreConfig],
      ["helm", readLoggerConfig],
      ["nexus", readGatewayConfig],
    ] as const) {
      const env = engine.find(`${name}-service`).inputs["env"] as Record<string, Value>;
      const plain = Object.entries(env).map(([variable, value]): [string, string] => {
        const text = typeof value === "string" ? value : String(value[secretKey]);
        // The mock's secrets are shorter than real ones.
        return [variable, text.replaceAll(/value of [a-z-]+/g, (found) => found.padEnd(43, "x"))];
      });
      expect(() => read(Object.fromEntries(plain)), name).not.to.throw();
    }
  });

  it("puts no secret on a command line", () => {
    for (const { name, inputs } of engine.registered) {
      for (const [path] of values(inputs)) {
        const keys = path.split(".");
        expect(keys.includes("command") && keys.includes(secretKey), `${name} ${path}`).to.equal(
          false,
        );
      }
    }
  });

  it("protects the realm, the databases and the keys of what is encrypted", () => {
    const kept = engine.registered.filter((resource) => resource.protect);
    expect(kept.map(({ name }) => name).toSorted()).to.deep.equal([
      "core-db-database",
      "core-encryption-key",
      "keycloak-db-database",
      "logger-db-database",
      "nexus-cookie-key",
      "realm-realm",
    ]);
  });

  it("keeps everything on the host below one folder", () => {
    const root = join(directory, ".hive", "dev");
    for (const { name, inputs } of engine.registered) {
      for (const key of ["path", "state", "directory", "creates", "cwd"]) {
        if (!(key in inputs)) continue;
        expect(`${String(inputs[key])}/`.startsWith(`${root}/`), `${name} ${key}`).to.equal(true);
      }
    }
  });

  it("removes the folder with its data only while keepData is not set", async () => {
    expect(engine.find("host-folder").inputs["purge"]).to.equal(true);
    const kept = await run({ config: { "hivematrix:keepData": "true" } });
    expect(kept.engine.find("host-folder").inputs["purge"]).to.equal(false);
  });

  it("declares the same in the first preview, with every address known", async () => {
    const preview = await run({ preview: true });
    const urns = preview.engine.registered.map(({ urn }) => urn);
    expect(urns).to.have.members(engine.registered.map(({ urn }) => urn));
    expect(preview.engine.find("keycloak-provider").inputs["url"]).to.equal(
      "http://127.0.0.1:8080",
    );
    expect(preview.engine.find("postgres-provider").inputs).to.include({
      host: "127.0.0.1",
      port: "5433",
    });
    for (const { name, inputs } of preview.engine.registered) {
      for (const key of ["path", "url", "name", "source", "port"]) {
        if (key in inputs) expect(inputs[key], `${name} ${key}`).not.to.equal("(unknown)");
      }
    }
  });

  it("run by root belongs to the system user, in the folder and on the ports recorded", async () => {
    const root = "/var/lib/hivematrix/dev";
    const trial = { root, user: "hive", portBase: 20000 };
    const asRoot = await run({}, trial);
    for (const { name, type, inputs } of asRoot.engine.registered) {
      if (/^host:index:(Archive|Directory|File)$/.test(type)) {
        expect(inputs, name).to.include({ owner: "hive", group: "hive" });
      }
      if (/^host:index:(Exec|Service|Supervisor)$/.test(type)) {
        expect(inputs["user"], name).to.equal("hive");
      }
      const text = JSON.stringify(inputs);
      expect(text, name).not.to.match(/\b(8000|5000|5004|8080|9000|5433)\b/);
      expect(text, name).not.to.include(asRoot.directory);
    }
    expect(asRoot.program).to.include({
      gatewayUrl: "https://localhost:20000",
      coreUrl: "http://localhost:20001",
      helmUrl: "http://localhost:20002",
      keycloakAdminUrl: "http://127.0.0.1:20003/admin/",
      caCertificatePath: `${root}/tls/ca.crt`,
    });
  });

  it("does not start with a faulty configuration", async () => {
    const refused = run({ config: { "hivematrix:portBase": "80" } });
    const fault: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(fault).to.be.instanceOf(pulumi.RunError);
  });
});

describe("program on a real host", () => {
  let engine: MockEngine;
  let program: Program;

  const host = { address: "203.0.113.5", user: "deploy", agent: true, forwardBase: 21_000 };
  const config = { "hivematrix:host": JSON.stringify(host), "hivematrix:domain": "hive.example" };

  before(async () => {
    ({ engine, program } = await run({ stack: "prod", config }));
  });

  it("declares the resources of program.prod.urns.txt", () => {
    const declared = engine.registered.map(({ urn }) => urn).toSorted();
    expect(declared).to.deep.equal(readFileSync(realGolden, "utf8").trim().split("\n"));
  });

  it("runs each process as a unit with a user of its own, which is made before it", () => {
    const units = engine.registered.filter(({ type }) => type === "host:index:Unit");
    expect(units.map(({ inputs }) => [inputs["name"], inputs["user"]])).to.have.deep.members(
      ["postgres", "keycloak", "core", "helm", "nexus"].map((name) => [
        `hive-${name}`,
        `hive-${name}`,
      ]),
    );
    const types = engine.registered.map(({ type }) => type);
    expect(types).not.to.include("host:index:Service").and.not.include("host:index:Supervisor");
    const users = engine.registered.filter(({ type }) => type === "host:index:User");
    expect(engine.find("postgres-data").dependsOn).to.include.members(
      users.map(({ name }) => name),
    );
  });

  it("lets nobody talk with the outside but the gateway, who alone listens there", () => {
    const of = (name: string, key: string) => engine.find(`${name}-service`).inputs[key];
    for (const name of ["postgres", "keycloak", "core", "helm"]) {
      expect(of(name, "egress"), name).to.deep.equal([]);
      expect(of(name, "capabilities"), name).to.deep.equal([]);
    }
    expect(of("nexus", "egress")).to.deep.equal(["any"]);
    expect(of("nexus", "capabilities")).to.deep.equal(["CAP_NET_BIND_SERVICE"]);
    expect(of("nexus", "env")).to.include({ HOSTS: "0.0.0.0,::", PORT: "443" });
  });

  it("lets in ssh, the gateway and nobody else, and refuses whom services may not talk with", () => {
    expect(engine.childrenOf("firewall")).to.have.keys("firewall-packages", "firewall-ruleset");
    const { inputs, dependsOn } = engine.find("firewall-ruleset");
    expect(inputs).to.deep.include({ sshPorts: [22], open: [{ port: 80 }, { port: 443 }] });
    const users = (inputs["egress"] as { name: string; user: string }[]).map(({ user }) => user);
    expect(users).to.have.members(
      ["nexus", "core", "helm", "keycloak", "postgres"].map((name) => `hive-${name}`),
    );
    // nft takes users by name: they must be there.
    expect(dependsOn).to.include.members(["host-user-core", "firewall-packages"]);
  });

  it("leaves the firewall to another tool where that is chosen, and asks for the exposure all the same", async () => {
    const other = await run({
      stack: "prod",
      config: { ...config, "hivematrix:firewall": "none" },
    });
    expect(other.engine.registered.map(({ name }) => name)).not.to.include("firewall");
    const ports = other.engine.find("exposure").inputs["ports"] as {
      name: string;
      open: boolean;
    }[];
    expect(ports.filter(({ open }) => open).map(({ name }) => name)).to.deep.equal(["nexus"]);
    expect(ports.map(({ name }) => name)).to.include.members(["postgres", "keycloak", "core"]);
  });

  it("hands our own services every secret as a credential, and none in the environment", () => {
    for (const name of ["core", "helm", "nexus"]) {
      const { env, credentials } = engine.find(`${name}-service`).inputs;
      for (const [path] of values(env)) {
        expect(path.split("."), `${name} ${path}`).not.to.include(secretKey);
      }
      expect(Object.keys(credentials as object), name).not.to.have.lengthOf(0);
      const given = Object.values(credentials as Readonly<Record<string, Value>>);
      for (const value of given) expect(value, name).to.have.property(secretKey);
    }
  });

  it("reaches Keycloak and PostgreSQL through ports of this machine, their services on the host's", () => {
    expect(engine.find("keycloak-provider").inputs["url"]).to.equal("http://127.0.0.1:21001");
    expect(engine.find("postgres-provider").inputs).to.include({ port: "21000" });
    expect(engine.find("core-service").inputs["env"]).to.include({
      KEYCLOAK_URL: "http://127.0.0.1:8080",
      DB_PORT: "5433",
    });
  });

  it("has data and programs below one folder, configuration below another, and keeps the data", () => {
    for (const { name, inputs } of engine.registered) {
      const path = inputs["path"];
      // What Debian's own tools read lies where they look for it.
      if (typeof path !== "string" || path.startsWith("/etc/apt/apt.conf.d/")) continue;
      expect(path, name).to.match(/^\/(var\/lib|etc)\/hivematrix(\/|$)/);
    }
    for (const name of ["host-folder", "postgres-data"]) {
      expect(engine.find(name).inputs["purge"], name).to.equal(false);
    }
    expect(program).to.include({
      gatewayUrl: "https://hive.example",
      caCertificatePath: "/etc/hivematrix/tls/ca.crt",
    });
    expect(engine.find("certificate-gateway").inputs["names"]).to.deep.equal([
      "hive.example",
      "localhost",
      "127.0.0.1",
      "::1",
    ]);
  });
});
