import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import type { Suite } from "../support/containerImage.ts";
import { HostPlugin, PluginError } from "../support/hostPlugin.ts";
import { type DebianHost, startDebianHost } from "./debianHost.ts";
import { buildWorld, type World } from "./firewallWorld.ts";

type Values = Record<string, unknown>;

const kind = "FirewallRuleset";
const tables = "nft -s list ruleset | sed '/elements/d'";

/** A host's firewall, applied by SSH, on a fresh Debian. */
export function describeFirewall(suite: Suite, title: string): void {
  describe(`FirewallRuleset on ${title}, applied by SSH`, function () {
    this.timeout(120_000);
    this.slow(20_000);
    let on: DebianHost;
    let world: World;

    before(async function () {
      this.timeout(900_000);
      if (noContainers !== undefined) return void this.skip();
      on = await startDebianHost(suite);
      world = await buildWorld(on.host);
      await on.sh("useradd --system talker; useradd --system free");
    });
    after(async () => {
      if (noContainers === undefined) await on.stop();
    });
    afterEach(async () => {
      await on.plugin.delete(kind, "hivematrix", await declare());
      expect(await on.sh("nft list tables")).to.equal("table ip published");
    });

    async function declare(more: Values = {}): Promise<Values> {
      const { inputs, failures } = await on.plugin.check(kind, {
        sshRate: 200,
        open: [{ port: 443 }],
        egress: [{ name: "core", user: "talker", networks: ["10.9.0.0/24"] }],
        ...more,
      });
      expect(failures).to.deep.equal([]);
      return inputs;
    }
    const create = async (more: Values = {}) =>
      (await on.plugin.create(kind, await declare(more))).properties;
    const read = async (state: Values) =>
      (await on.plugin.read(kind, "hivematrix", state))?.properties;
    const failed = async (work: Promise<unknown>): Promise<PluginError> => {
      const error: unknown = await work.then(
        () => expect.fail("it did not fail"),
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(PluginError);
      return error as PluginError;
    };
    const open = ["10.9.0.1/22", "10.9.0.1/443", "fd09::1/22", "fd09::1/443"];

    it("lets in what is declared alone, is read without drift, and a second up has nothing to do", async () => {
      expect(await world.reached()).to.have.members(world.targets);
      const state = await create();
      expect(await world.reached()).to.have.members(open);
      expect(await read(state)).to.deep.equal(state);
      expect((await on.plugin.diff(kind, state, await declare())).changes).to.equal(false);
      expect(await on.sh("systemctl is-enabled hivematrix-firewall")).to.equal("enabled");
      // Nothing waits to take it back.
      expect(await on.sh("systemctl list-timers --all --no-legend 'hivematrix*'")).to.equal("");
      expect(await on.sh("ls -d /run/hivematrix-firewall 2>/dev/null || :")).to.equal("");
    });

    it("shows in a preview the text that will be loaded", async () => {
      const state = await create();
      const news = await declare({ open: [{ port: 8443, from: ["192.0.2.0/24"] }] });
      expect((await on.plugin.diff(kind, state, news)).detailed).to.include({ rules: "update" });
      const planned = await on.plugin.update(kind, "hivematrix", state, news, true);
      expect(planned["rules"]).to.contain("ip saddr 192.0.2.0/24 tcp dport 8443 accept");
      const next = await on.plugin.update(kind, "hivematrix", state, news);
      expect(await world.reached()).to.have.members(
        open.filter((target) => target.endsWith("/22")),
      );
      expect(await read(next)).to.deep.equal(next);
    });

    it("is there when the machine has started, and after nftables.service emptied everything", async () => {
      const state = await create();
      await on.sh("systemctl enable -q --now nftables");
      for (const verb of ["restart", "reload"]) {
        await on.sh(`systemctl ${verb} nftables`);
        expect(await on.sh("nft list tables"), verb).to.contain("table inet hivematrix");
      }
      // As at a start: nothing is loaded, and systemd begins with what is enabled.
      await on.sh(
        "systemctl stop hivematrix-firewall nftables; nft flush ruleset; systemctl start sysinit.target",
      );
      await until(
        async () => (await on.sh("systemctl is-active hivematrix-firewall || :")) === "active",
      );
      const seen = await read(state);
      await on.sh(
        "systemctl disable -q --now nftables; nft flush ruleset; nft add table ip published",
      );
      expect(seen).to.deep.equal(state);
    });

    it("fails at preview when it would lock out ssh", async () => {
      const { failures } = await on.plugin.check(kind, {
        sshPorts: [2222, 23],
        sshRate: 1,
        open: [{}],
      });
      expect(failures).to.deep.equal([
        "sshRate must be at least 6",
        "open[0].port is required: a number",
        "sshPorts 2222, 23 would lock you out: the host is reached by 22; add it",
      ]);
    });

    it("takes rules back at once that let no new connection in", async () => {
      const state = await create();
      const before = await on.sh(tables);
      const locking = { ...(await declare()), sshPorts: [2222], confirmWithin: 20 };
      const error = await failed(on.plugin.update(kind, "hivematrix", state, locking));
      expect(error.message).to.match(
        /^No new connection passes the new rules \(.*\), and they would lock you out\. The former rules are back\.$/,
      );
      expect(await on.sh(tables)).to.equal(before);
      expect(await read(state)).to.deep.equal(state);
      expect(await on.sh("systemctl list-timers --all --no-legend 'hivematrix*'")).to.equal("");
    });

    it("is taken back by the host itself when who applies it is gone", async () => {
      const state = await create();
      const before = await on.sh(tables);
      const dying = await HostPlugin.start({}, on.configuration);
      const locking = { ...(await declare()), sshPorts: [2222], confirmWithin: 20 };
      const lost = dying.update(kind, "hivematrix", state, locking).catch(() => undefined);
      await until(async () => (await on.sh(tables)).includes("dport 2222"));
      process.kill(dying.pid, "SIGKILL");
      await lost;
      await until(async () => (await on.sh(tables)) === before);
      expect(await read(state)).to.deep.equal(state);
    });

    const breaks: Record<string, { by: string; found: string[] }> = {
      "an extra rule": {
        by: "nft insert rule inet hivematrix arriving tcp dport 5432 accept",
        found: ["loaded"],
      },
      "a flushed table": { by: "nft flush table inet hivematrix", found: ["loaded"] },
      "a flushed ruleset": { by: "nft delete table inet hivematrix", found: ["loaded"] },
      "an edited file": {
        by: "sed -i 's/dport 443/dport 444/' /etc/hivematrix/firewall/inward.nft",
        found: ["rules"],
      },
      "a disabled loader": {
        by: "systemctl disable -q hivematrix-firewall",
        found: ["enabled"],
      },
    };
    for (const [what, { by, found }] of Object.entries(breaks)) {
      it(`finds ${what} and repairs it; the second look finds nothing`, async () => {
        const state = await create();
        await on.sh(by);
        const seen = await read(state);
        const wanted = await declare();
        const { detailed } = await on.plugin.diff(kind, seen ?? {}, wanted);
        expect(Object.keys(detailed)).to.deep.equal(found);
        const repaired = await on.plugin.update(kind, "hivematrix", seen ?? {}, wanted);
        expect(await read(repaired)).to.deep.equal(state);
        expect(await world.reached()).to.have.members(open);
      });
    }

    it("is made again when nothing of it is left", async () => {
      const state = await create();
      await on.sh("nft delete table inet hivematrix; rm -r /etc/hivematrix/firewall");
      expect(await read(state)).to.not.equal(undefined);
      await on.sh("nft delete table inet hivematrix_egress");
      expect(await read(state)).to.equal(undefined);
      expect(await create()).to.deep.equal(state);
    });

    it("is imported by its name", async () => {
      expect(await on.plugin.read(kind, "hivematrix")).to.equal(undefined);
      const state = await create({ sshRate: 300 });
      const found = await on.plugin.read(kind, "hivematrix");
      expect(found?.inputs).to.include({ sshRate: 300 });
      const wanted = await declare({ sshRate: 300 });
      expect((await on.plugin.diff(kind, found?.properties ?? {}, wanted)).changes).to.equal(false);
      expect(found?.properties).to.include({ loaded: state["loaded"], rules: state["rules"] });
    });

    it("refuses a host that ufw rules, with the command to choose", async () => {
      await on.sh("mkdir -p /etc/ufw && echo ENABLED=yes >/etc/ufw/ufw.conf");
      const error = await failed(on.plugin.create(kind, await declare()));
      await on.sh("rm -r /etc/ufw");
      expect(error.message).to.equal(
        "ufw is active on this host, and two firewalls do not see each other. Choose: `ufw disable` there and run up again, or `pulumi config set hivematrix:firewall none` and use `hive firewall --format ufw`.",
      );
      expect(await on.sh("nft list tables")).not.to.contain("hivematrix");
    });

    it("refuses and says whom a service talks with that it may not; other users are free", async () => {
      const sandbox = [
        "-p IPAddressDeny=any",
        "-p IPAddressAllow=localhost",
        "-p IPAddressAllow=10.9.0.2",
      ].join(" ");
      const name = `core-${String(process.pid)}`;
      await create({ egress: [{ name, user: "talker", networks: ["10.9.0.2/32"] }] });
      // By default the kernel says nothing about what happens in a container's network.
      const all = "/proc/sys/net/netfilter/nf_log_all_netns";
      const before = readFileSync(all, "utf8");
      writeFileSync(all, "1");
      // As in its unit, where systemd refuses the same without a word.
      const call = (user: string, address: string) =>
        on.sh(
          `systemd-run --quiet --pipe --wait --collect -p User=${user} ${user === "talker" ? sandbox : ""} python3 -c 'import socket
try: socket.create_connection(("${address}", 77), 3); print("reached")
except OSError as fault: print(type(fault).__name__, fault.errno)'`,
        );
      // Allowed; not allowed, at an address that answers; by somebody else.
      expect(await call("talker", "10.9.0.2")).to.equal("reached");
      expect(await call("talker", "192.0.2.7")).to.match(/^(OSError|PermissionError) \d+$/);
      writeFileSync(all, before);
      const { stdout } = spawnSync("dmesg", { encoding: "utf8" });
      expect(stdout).to.match(
        new RegExp(`hivematrix: ${name} may not talk with: .* DST=192\\.0\\.2\\.7 .* DPT=77 `),
      );
      expect(await call("free", "192.0.2.7")).to.equal("reached");
      expect(await call("talker", "127.0.0.1")).to.match(/^ConnectionRefusedError/);
    });
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("not in time");
    await sleep(200);
  }
}
