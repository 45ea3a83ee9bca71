import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { type Config, loadConfig } from "../config.ts";
import { ports as trialPorts } from "../ports.js";

const registry = join(import.meta.dirname, "..", "apps_registry.json");
import { loggerSettings } from "../runtime/logger/settings.ts";

describe("config", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hivematrix-config-"));
    mkdirSync(join(directory, ".hive"));
    copyFileSync(registry, join(directory, "apps_registry.json"));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** Keys without their namespace. */
  function load(settings: Record<string, string> = {}): Config {
    const values = Object.fromEntries(
      Object.entries(settings).map(([key, value]): [string, string] => [
        `hivematrix:${key}`,
        value,
      ]),
    );
    return loadConfig({ stack: "dev", directory, values });
  }

  function fault(settings: Record<string, string> = {}): string {
    try {
      load(settings);
    } catch (thrown) {
      expect(thrown).to.be.instanceOf(pulumi.RunError);
      return (thrown as Error).message;
    }
    throw new Error("The configuration was accepted");
  }

  function trial(text: string): void {
    writeFileSync(join(directory, ".hive", "dev.json"), text);
  }

  it("has a default for everything", () => {
    const { registry: read, apps, egress, tokens, declared, ...config } = load();
    expect(tokens).to.deep.equal({
      userTokenLifetime: 3600,
      serviceTokenLifetime: 300,
      sessionLifetime: 36_000,
      sessionIdle: 7200,
      serviceTokensPerMinute: 1200,
      minting: "allowed",
      callerKeys: {},
      callerUsers: {},
      unprovenCallers: "refused",
      calls: { nexus: ["core", "helm"], core: ["helm"], helm: ["core"] },
      audiences: [],
    });
    expect(Object.keys(egress)).to.deep.equal(["nexus", "core", "helm", "keycloak", "postgres"]);
    expect(declared.filter(({ open }) => open)).to.deep.equal([]);
    expect(Object.keys(apps)).to.deep.equal(["nexus", "core", "helm"]);
    expect(config).to.deep.equal({
      stack: "dev",
      connection: { transport: "local" },
      supervisor: "runit",
      forwardBase: 24_208,
      names: ["localhost", "127.0.0.1", "::1"],
      ports: trialPorts(),
      urls: {
        gateway: "https://localhost:8000",
        core: "http://localhost:5000",
        logger: "http://localhost:5004",
      },
      services: [],
      firewalls: [],
      certificate: undefined,
      healthChecks: {
        nexus: "https://localhost:8000/health/live",
        core: "http://127.0.0.1:5000/health",
        helm: "http://127.0.0.1:5004/health",
        keycloak: "http://127.0.0.1:9000/health/ready",
      },
      root: join(directory, ".hive", "dev"),
      user: undefined,
      databases: ["core", "logger"],
      kept: [],
      rotations: {},
      postgres: undefined,
      postgresVersion: undefined,
      postgresBinaries: undefined,
      postgresMemory: undefined,
      adminUsername: "admin",
      adminEmail: "admin@hivematrix.local",
      keepData: false,
      logger: loggerSettings.parse({}),
    });
    expect(Object.keys(read.apps)).to.deep.equal(["nexus", "core", "helm"]);
  });

  it("reads every key", () => {
    const config = load({
      portBase: "20000",
      adminUsername: "ada",
      adminEmail: "ada@example.org",
      keepData: "true",
      registry: "apps_registry.json",
    });
    expect(config).to.include({
      adminUsername: "ada",
      adminEmail: "ada@example.org",
      keepData: true,
    });
    expect(config.ports).to.deep.equal(trialPorts(20000));
  });

  it("takes rotations from the record, and from the configuration, which outranks it", () => {
    mkdirSync(join(directory, ".hive"), { recursive: true });
    writeFileSync(
      join(directory, ".hive", "dev.json"),
      JSON.stringify({ rotations: { core: 1, logger: 2 } }),
    );
    expect(load({ rotations: '{"core": 3}' }).rotations).to.deep.equal({ core: 3, logger: 2 });
    expect(() => load({ rotations: '{"core": -1}' })).to.throw(/rotations/);
  });

  it("keeps the databases that were made and that no service uses any more", () => {
    mkdirSync(join(directory, ".hive"), { recursive: true });
    const databases = { keycloak: "keycloak", core: "core", logger: "logger", old: "old_data" };
    writeFileSync(join(directory, ".hive", "dev.json"), JSON.stringify({ databases }));
    expect(load().kept).to.deep.equal([{ name: "old", database: "old_data" }]);
  });

  it("takes an external PostgreSQL with its authority and its password, which is a secret", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\n";
    writeFileSync(join(directory, "ca.crt"), pem);
    const postgres = '{"host": "db.example", "authority": "ca.crt"}';
    const read = load({ postgres, postgresPassword: "pass w0rd" }).postgres;
    expect(read).to.deep.include({
      host: "db.example",
      port: 5432,
      username: "postgres",
      database: "postgres",
      authority: { path: join(directory, "ca.crt"), pem },
    });
    expect(await pulumi.isSecret(read?.password ?? pulumi.output(""))).to.equal(true);
    expect(() => load({ postgres })).to.throw(
      "hivematrix:postgres needs the password of postgres: pulumi config set --secret hivematrix:postgresPassword --stack dev",
    );
    writeFileSync(join(directory, "ca.crt"), "no certificate");
    expect(() => load({ postgres, postgresPassword: "x" })).to.throw("no certificate in PEM form");
    expect(() => load({ postgres: '{"host": "db.example"}' })).to.throw(/authority/);
  });

  it("leaves other namespaces to their owners", () => {
    const values = { "pulumi:disable-default-providers": '["*"]', "keycloak:realm": "x" };
    expect(() => loadConfig({ stack: "dev", directory, values })).not.to.throw();
  });

  it("reports every fault of every file at once", () => {
    trial('{ "portBase": 5, "root": "relative" }');
    writeFileSync(join(directory, "apps_registry.json"), '{ "apps": {}, "app": {} }');
    const text = fault({
      portbase: "20000",
      portBase: "80",
      adminUsername: "Ada L",
      adminEmail: "ada",
      keepData: "yes",
    });
    expect(text).to.equal(
      [
        "Pulumi.dev.yaml, under hivematrix:",
        '✖ Unrecognized key: "portbase"',
        "✖ Too small: expected number to be >=1024",
        "  → at portBase",
        "✖ 1 to 64 of a-z, 0-9, dot, _ and -",
        "  → at adminUsername",
        "✖ Invalid email address",
        "  → at adminEmail",
        '✖ Invalid option: expected one of "true"|"false"',
        "  → at keepData",
        `${join(directory, ".hive", "dev.json")}:`,
        "✖ Too small: expected number to be >=1024",
        "  → at portBase",
        '✖ Invalid string: must start with "/"',
        "  → at root",
        `${join(directory, "apps_registry.json")}:`,
        '✖ Unrecognized key: "app"',
      ].join("\n"),
    );
  });

  const codex = {
    description: "Tickets.",
    source: { directory: "codex", command: ["pyenv/bin/python", "run.py"] },
    port: 5010,
    dependencies: ["core"],
    database: "codex",
  };

  function register(apps: object): void {
    const all = JSON.parse(readFileSync(registry, "utf8")) as { apps: object };
    const text = JSON.stringify({ apps: { ...all.apps, ...apps } });
    writeFileSync(join(directory, "apps_registry.json"), text);
  }

  it("runs the required apps and those the stack names", () => {
    register({ codex });
    expect(Object.keys(load().apps)).not.to.include("codex");
    const config = load({ apps: '["codex"]' });
    expect(config.databases).to.deep.equal(["core", "logger", "codex"]);
    expect(config.services).to.deep.equal([
      {
        name: "codex",
        directory: join(directory, "codex"),
        command: ["pyenv/bin/python", "run.py"],
        port: 5010,
        health: "/health",
        database: "codex",
        rotation: undefined,
      },
    ]);
    expect(config.healthChecks).to.have.property("codex", "http://127.0.0.1:5010/health");
  });

  it("refuses an app it does not know, and one without what it needs", () => {
    register({
      codex,
      ledger: { ...codex, port: 5030, database: "ledger", dependencies: ["codex"] },
    });
    expect(fault({ apps: '["ledger", "ledgr"]' })).to.equal(
      [
        "Pulumi.dev.yaml, hivematrix:apps:",
        '✖ unknown app "ledgr"; the registry has nexus, core, helm, codex, ledger',
        '✖ ledger needs "codex" too',
      ].join("\n"),
    );
    expect(fault({ apps: "ledger" })).to.include("must be a list of names");
  });

  it("refuses a misspelt key", () => {
    expect(fault({ adminUser: "ada" })).to.equal(
      'Pulumi.dev.yaml, under hivematrix:\n✖ Unrecognized key: "adminUser"',
    );
  });

  describe("ports", () => {
    it("are the documented ones", () => {
      expect(trialPorts()).to.deep.equal({
        gateway: 8000,
        core: 5000,
        logger: 5004,
        keycloak: 8080,
        keycloakManagement: 9000,
        gatewayMetrics: 9464,
        postgres: 5433,
      });
    });

    it("are seven in a row from portBase", () => {
      expect(Object.values(trialPorts(20000)).toSorted()).to.deep.equal([
        20000, 20001, 20002, 20003, 20004, 20005, 20006,
      ]);
    });

    for (const [portBase, text] of [
      ["1023", "Too small: expected number to be >=1024"],
      ["65531", "Too big: expected number to be <=65530"],
      ["80.5", "Invalid input: expected int, received number"],
      ["many", "Invalid input: expected number, received NaN"],
    ] as const) {
      it(`refuse portBase ${portBase}`, () => {
        expect(fault({ portBase })).to.include(`✖ ${text}\n  → at portBase`);
      });
    }
  });

  describe("a real host", () => {
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVkMjU1MTkga2V5IG9mIGEgaG9zdCBmb3IgdGVz";
    const host = (more: object = {}): string =>
      JSON.stringify({ address: "203.0.113.5", user: "deploy", agent: true, hostKey, ...more });

    it("is reached by SSH, run by systemd, entered by https' own port, and keeps its data", () => {
      const config = load({ host: host(), domain: "hive.example.org" });
      expect(config).to.deep.include({
        connection: {
          transport: "ssh",
          address: "203.0.113.5",
          port: 22,
          user: "deploy",
          agent: true,
          hostKey,
        },
        supervisor: "systemd",
        names: ["hive.example.org", "localhost", "127.0.0.1", "::1"],
        root: "/var/lib/hivematrix",
        user: undefined,
        keepData: true,
      });
      expect(config.urls.gateway).to.equal("https://hive.example.org");
      expect(config.ports).to.deep.equal({ ...trialPorts(), gateway: 443 });
    });

    it("may be this machine, and is entered by its address when it has no name", () => {
      const config = load({ supervisor: "systemd" });
      expect(config.connection).to.deep.equal({ transport: "local" });
      expect(config.root).to.equal("/var/lib/hivematrix");
      expect(load({ host: host() }).urls.gateway).to.equal("https://203.0.113.5");
      const six = load({ host: host({ address: "2001:db8::5" }), portBase: "20000" });
      expect(six.urls.gateway).to.equal("https://[2001:db8::5]:20000");
    });

    it("has a firewall for ssh by any port it has, and the gateway; the trial has none", () => {
      const firewalls = (settings: Record<string, string>) => load(settings).firewalls;
      expect(firewalls({})).to.deep.equal([]);
      expect(firewalls({ host: host() })).to.deep.equal([{ sshPorts: [22], open: [80, 443] }]);
      expect(firewalls({ host: host({ port: 2222 }), sshPort: "22" })).to.deep.equal([
        { sshPorts: [2222, 22], open: [80, 443] },
      ]);
      expect(firewalls({ supervisor: "systemd", sshPort: "23", portBase: "20000" })).to.deep.equal([
        { sshPorts: [23], open: [20_000] },
      ]);
      expect(firewalls({ host: host(), firewall: "none" })).to.deep.equal([]);
      const open = (settings: Record<string, string>) =>
        load(settings).declared.flatMap((one) => (one.open ? [one.port] : []));
      expect(open({})).to.deep.equal([]);
      expect(open({ host: host() })).to.deep.equal([443]);
    });

    it("does not start with a certificate that is not right", () => {
      writeFileSync(join(directory, "own.pem"), "nothing");
      const settings = { host: host(), certificate: "own.pem", certificateKey: "own.pem" };
      expect(fault(settings)).to.equal(
        "hivematrix:certificate: own.pem holds no certificate in PEM.",
      );
    });

    it("takes a private key from a file", () => {
      const path = join(directory, "key");
      writeFileSync(path, "the key");
      const { connection } = load({ host: host({ agent: false, privateKeyPath: path }) });
      expect(connection).to.include({ privateKey: "the key" }).and.not.have.property("agent");
      expect(fault({ host: host({ agent: false, privateKeyPath: `${path}2` }) })).to.match(
        /^hivematrix:host\.privateKeyPath: .*key2 cannot be read \(ENOENT\); name the file/,
      );
    });

    it("is reached through ports that no other stack or host has, unless it says which", () => {
      const one = load({ host: host() }).forwardBase;
      expect(load({ host: host() }).forwardBase).to.equal(one);
      expect(load({ host: host({ address: "203.0.113.6" }) }).forwardBase).not.to.equal(one);
      const values = { "hivematrix:host": host() };
      const other = loadConfig({ stack: "prod", directory, values }).forwardBase;
      expect(other).not.to.equal(one);
      for (const base of [one, other]) expect(base).to.be.within(20_000, 31_996);
      expect(load({ host: host({ forwardBase: 40_000 }) }).forwardBase).to.equal(40_000);
    });

    it("has every fault told at once", () => {
      const faulty = { address: "-o", port: 0, hostKey: "SHA256:x", key: "x" };
      expect(fault({ host: JSON.stringify(faulty), supervisor: "runit", domain: "a b" })).to.equal(
        [
          "Pulumi.dev.yaml, under hivematrix:",
          '✖ Unrecognized key: "key"',
          "  → at host",
          "✖ needs privateKeyPath, or agent: true",
          "  → at host",
          "✖ must be a name people can enter, without a scheme",
          "  → at domain",
          "✖ must be a host's name or IP address",
          "  → at host.address",
          "✖ Too small: expected number to be >=1",
          "  → at host.port",
          '✖ must be a public key as in known_hosts, such as "ssh-ed25519 AAAA…"',
          "  → at host.hostKey",
        ].join("\n"),
      );
      expect(fault({ host: host(), supervisor: "runit" })).to.include(
        "✖ runit is for the trial on this machine; a host by SSH is run by systemd\n  → at supervisor",
      );
      expect(fault({ supervisor: "systemd", unprovenCallers: "believed" })).to.include(
        "✖ is for the trial alone; use callerUsers or callerKeys\n  → at unprovenCallers",
      );
      expect(fault({ host: "deploy@203.0.113.5" })).to.include(
        "must hold address, user and the like",
      );
      expect(fault({ host: host({ agent: false }) })).to.include(
        "needs privateKeyPath, or agent: true",
      );
    });
  });

  describe("the trial's record", () => {
    it("says where, as whom and on which ports", () => {
      trial('{ "portBase": 21000, "root": "/var/lib/hivematrix/dev", "user": "hive" }');
      const config = load();
      expect(config).to.include({ root: "/var/lib/hivematrix/dev", user: "hive" });
      expect(config.ports).to.deep.equal(trialPorts(21000));
    });

    it("gives way to the stack's portBase", () => {
      trial('{ "portBase": 21000 }');
      expect(load({ portBase: "22000" }).ports).to.deep.equal(trialPorts(22000));
    });

    it("of another stack is not read", () => {
      writeFileSync(join(directory, ".hive", "other.json"), '{ "root": "/srv/other" }');
      expect(load().root).to.equal(join(directory, ".hive", "dev"));
    });

    it("may hold more than the program reads", () => {
      trial('{ "beside": true }');
      expect(() => load()).not.to.throw();
    });
  });
});
