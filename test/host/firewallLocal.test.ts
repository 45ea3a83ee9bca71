import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";
import { build } from "esbuild";

import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { docker, dockerCommand } from "../support/containerImage.ts";

const checkout = join(import.meta.dirname, "..", "..");

/** What the plugin does for a machine that Pulumi runs on, and `hive`, each as one file. */
const programs = {
  up: `import { firewallRuleset } from "./provider/resources/firewallRuleset.ts";
import { LocalTransport } from "./provider/transport/local.ts";
const say = (message) => console.error(message);
const context = { transport: new LocalTransport(), signal: new AbortController().signal, progress() {}, warn: say };
firewallRuleset.create(context, JSON.parse(process.argv[2])).then(
  () => say("done"),
  (fault) => { say(fault.message); process.exitCode = 1; },
);`,
  hive: `import { Command } from "commander";
import { addFirewall } from "./cli/firewall.ts";
const program = new Command("hive").enablePositionalOptions();
addFirewall(program);
program.parseAsync().catch((fault) => { console.error(fault.message); process.exitCode = 1; });`,
};

describe("FirewallRuleset on the machine that Pulumi runs on", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let host: TestHost;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    host = await startHost();
    await docker(["cp", process.execPath, `${host.name}:/usr/local/bin/node`]);
    for (const [name, contents] of Object.entries(programs)) {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: checkout, loader: "ts" },
        ...{ bundle: true, write: false, platform: "node", format: "esm", external: ["ssh2"] },
        banner: {
          js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
        },
      });
      await host.exec(["sh", "-c", `cat >/opt/${name}.mjs`], outputFiles[0]?.text);
    }
  });
  after(() => host.stop());
  afterEach(async () => {
    await sh("systemctl disable -q --now hivematrix-firewall 2>/dev/null; nft flush ruleset");
    await sh("rm -rf /etc/hivematrix /etc/systemd/system/hivematrix-firewall.service");
  });

  async function sh(script: string): Promise<string> {
    const { stdout } = await host.exec(["sh", "-c", script]);
    return stdout.trim();
  }

  /** A process whose words are collected. */
  function start(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: "pipe" });
    let said = "";
    child.stdout.on("data", (data: Buffer) => (said += data.toString()));
    child.stderr.on("data", (data: Buffer) => (said += data.toString()));
    const ended = once(child, "close").then(([code]) => ({ code: code as number, said }));
    const hear = async (words: string): Promise<void> => {
      while (!said.includes(words)) {
        await Promise.race([
          once(child.stdout, "data"),
          once(child.stderr, "data"),
          ended.then(() => {
            throw new Error(`ended without "${words}": ${said}`);
          }),
        ]);
      }
    };
    return { child, ended, hear };
  }
  const up = (open: object[], confirmWithin: number) => {
    const inputs = { sshPorts: [22], sshRate: 100, open, egress: [], confirmWithin, enabled: true };
    const [command = "", ...args] = dockerCommand();
    const program = ["node", "/opt/up.mjs", JSON.stringify(inputs)];
    return start(command, [...args, "exec", "-i", host.name, ...program]);
  };
  const login = (script: string) =>
    start("ssh", [
      ...[
        "-i",
        host.keyPath,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
      ],
      ...["-o", "LogLevel=ERROR", `root@${host.address}`, script],
    ]);
  const confirm = "node /opt/hive.mjs firewall confirm --json";

  it("keeps new rules when somebody confirms from a new login; an older one proves nothing", async () => {
    const old = login(`echo in; read go; ${confirm}`);
    await old.hear("in");
    const running = up([{ port: 443 }], 90);
    await running.hear("hive firewall confirm");
    old.child.stdin.end("go\n");
    const refused = await old.ended;
    expect(refused.code).to.equal(1);
    expect(refused.said).to.contain("This login is older than the new rules");
    const { code, said } = await login(confirm).ended;
    expect(code, said).to.equal(0);
    expect(JSON.parse(said)).to.include({ confirmed: true });
    expect((await running.ended).said).to.match(/done\n$/);
    expect(await sh("nft list table inet hivematrix")).to.contain("tcp dport 443 accept");
    expect(await sh("systemctl is-enabled hivematrix-firewall")).to.equal("enabled");
    expect(await sh("systemctl list-timers --all --no-legend 'hivematrix*'")).to.equal("");
    // What was confirmed once is loaded again without asking.
    await sh("nft flush ruleset");
    expect((await up([{ port: 443 }], 90).ended).said).to.equal("done\n");
    expect(await sh("nft list tables")).to.contain("table inet hivematrix");
  });

  it("brings the former rules back when nobody does", async () => {
    const { code, said } = await up([{ port: 80 }], 20).ended;
    expect(code).to.equal(1);
    expect(said).to.contain(
      "Nobody confirmed the new firewall rules within 20 s. Run up again, and `hive firewall confirm` from a new login while it waits. The former rules are back.",
    );
    expect(await sh("nft list tables")).to.equal("");
    expect(await sh("ls -d /etc/hivematrix /run/hivematrix-firewall 2>/dev/null")).to.equal("");
  });

  it("says when nothing waits", async () => {
    const { code, said } = await login(confirm).ended;
    expect(code).to.equal(1);
    expect(said.trim()).to.equal("No firewall rules wait to be confirmed.");
  });
});
