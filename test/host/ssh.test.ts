import { readFileSync } from "node:fs";

import { expect } from "chai";

import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { HostPlugin, secret } from "../support/hostPlugin.ts";
import { type Relay, startRelay } from "../support/relay.ts";

for (const suite of ["bookworm", "trixie"] as const) {
  describe(`a ${suite} host by SSH`, function () {
    this.timeout(120_000);
    let host: TestHost;
    let relay: Relay;
    let plugin: HostPlugin;
    const ends: (() => Promise<unknown>)[] = [];

    const configuration = () => ({
      transport: "ssh",
      address: "127.0.0.1",
      port: relay.port,
      user: "deploy",
      privateKey: secret(readFileSync(host.keyPath, "utf8")),
      hostKey: host.hostKey,
    });
    const shell = async (script: string) => (await host.exec(["sh", "-c", script])).stdout.trim();

    before(async function () {
      this.timeout(900_000);
      if (noContainers !== undefined) {
        console.log(`      skipped: ${noContainers}`);
        this.skip();
      }
      host = await startHost(suite);
      ends.push(() => host.stop());
      relay = await startRelay(host.address, 22);
      ends.push(() => relay.close());
      plugin = await HostPlugin.start({}, configuration());
      ends.push(() => plugin.stop());
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
    });
    it("makes, reads, changes and removes files, also those only root may write", async () => {
      const path = "/etc/hivematrix test.conf";
      const inputs = { path, content: "a\n", mode: "0640", owner: "deploy" };
      const { properties } = await plugin.create("File", inputs);
      expect(await shell(`stat -c '%U %G %a' '${path}'; cat '${path}'`)).to.equal(
        "deploy deploy 640\na",
      );
      expect((await plugin.read("File", path, properties))?.properties).to.deep.equal(properties);
      await shell(`echo drift >'${path}'; chmod 0777 '${path}'`);
      const found = await plugin.read("File", path, properties);
      expect(found?.properties).to.include({ content: "drift\n", mode: "0777" });
      await plugin.update("File", path, properties, { ...inputs, content: "b\n" });
      expect(await shell(`cat '${path}'`)).to.equal("b");
      await plugin.delete("File", path, properties);
      expect(await plugin.read("File", path, properties)).to.equal(undefined);
    });

    it("keeps what was there before, and gives it back", async () => {
      await shell("printf 'old\\001' >/etc/found; chmod 0604 /etc/found; chown plain /etc/found");
      const inputs = { path: "/etc/found", content: "new", mode: "0644" };
      const { properties } = await plugin.create("File", inputs);
      await plugin.delete("File", "/etc/found", properties);
      expect(await shell("stat -c '%U %a' /etc/found; od -c /etc/found | head -1")).to.match(
        /^plain 604\n0000000 {3}o {3}l {3}d 001/,
      );
    });

    it("makes and removes users and directories, and does not touch found ones", async () => {
      const user = { name: "hive", home: "/var/lib/hive", shell: "/usr/sbin/nologin" };
      const made = await plugin.create("User", user);
      const folder = { path: "/srv/a/b", mode: "0750", owner: "hive", purge: true };
      const directory = await plugin.create("Directory", folder);
      expect(await shell("stat -c '%U %G %a' /srv/a/b")).to.equal("hive hive 750");
      expect(await plugin.read("User", "hive", made.properties)).not.to.equal(undefined);
      await plugin.delete("Directory", "/srv/a/b", directory.properties);
      await plugin.delete("User", "hive", made.properties);
      expect(await shell("ls /srv; getent passwd hive")).to.equal("");
    });

    it("runs a command as another user with input and environment", async () => {
      const command = ["sh", "-c", 'cat >"$HOME/done"; printf %s "$A" >>"$HOME/done"; id -un'];
      const { properties } = await plugin.create("Exec", {
        command,
        creates: "/home/plain/done",
        user: "plain",
        env: secret({ A: "hidden-env" }),
        stdin: secret("hidden-stdin "),
      });
      expect(await shell("stat -c %U /home/plain/done; cat /home/plain/done")).to.equal(
        "plain\nhidden-stdin hidden-env",
      );
      expect(properties["ran"]).to.be.a("string");
    });

    it("reads installed packages", async () => {
      const found = await plugin.read("Package", "sudo,openssh-server");
      expect(found?.properties["versions"]).to.have.all.keys("sudo", "openssh-server");
    });

    it("shows no secret among the arguments of any process, and leaves none behind", async () => {
      const watch = host.exec([
        ...["sh", "-c"],
        "for n in $(seq 150); do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; sleep 0.02; done",
      ]);
      const names = Array.from({ length: 8 }, (_, index) => `/etc/secret-${index}`);
      const made = await Promise.all(
        names.map((path) =>
          plugin.create("File", {
            path,
            content: secret("hunter-two\n".repeat(2000)),
            mode: "0600",
          }),
        ),
      );
      const run = { command: ["sh", "-c", "cat >/dev/null; sleep 1; touch /srv/ran"] };
      const more = {
        creates: "/srv/ran",
        stdin: secret("hunter-two"),
        env: secret({ P: "hunter-two" }),
      };
      await plugin.create("Exec", { ...run, ...more });
      const seen = (await watch).stdout;
      expect(seen).to.include("touch /srv/ran");
      expect(seen).not.to.include("hunter-two");
      expect(seen).not.to.include(Buffer.from("hunter-two").toString("base64").slice(0, 12));
      expect(await shell("grep -rl hunter-two /run /dev/shm /var/log /tmp 2>/dev/null")).to.equal(
        "",
      );
      await Promise.all(made.map(({ id, properties }) => plugin.delete("File", id, properties)));
    });

    it("looks at sixty files in at most twelve round trips, as the engine asks: eight at a time", async () => {
      const paths = Array.from({ length: 60 }, (_, index) => `/srv/file-${index}`);
      const inputs = (path: string) => ({ path, content: `${path}\n`, mode: "0644" });
      const states = new Map<string, Record<string, unknown>>();
      await inTurn(paths, 8, async (path) => {
        states.set(path, (await plugin.create("File", inputs(path))).properties);
      });
      for (const delay of [0, 25]) {
        relay.delay = delay;
        const { turns } = relay;
        const began = performance.now();
        await inTurn(paths, 8, async (path) => {
          const state = states.get(path) ?? {};
          expect((await plugin.read("File", path, state))?.properties).to.deep.equal(state);
        });
        const took = Math.round(performance.now() - began);
        console.log(`      ${relay.turns - turns} round trips of ${2 * delay} ms, ${took} ms`);
        expect(relay.turns - turns).to.be.at.most(12);
        expect(took).to.be.below(5000);
      }
      relay.delay = 0;
    });

    it("refuses an unknown and a changed host key with the fingerprint; nothing is done", async () => {
      const { hostKey, ...unknown } = configuration();
      const print = await shell("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
      const stranger = await HostPlugin.start({}, unknown);
      expect(await fault(stranger))
        .to.include(print)
        .and.to.include(`hostKey: ${hostKey}`);
      await stranger.stop();
      const other = await HostPlugin.start({}, { ...unknown, hostKey: foreignKey });
      expect(await fault(other)).to.include("another key than the pinned one");
      await other.stop();
      expect(await shell("ls /etc/refused")).to.equal("");
    });

    it("says what is missing when a user may not use sudo, and does without it where it can", async () => {
      const plain = await HostPlugin.start({}, { ...configuration(), user: "plain" });
      expect(await fault(plain)).to.match(
        /^plain@127\.0\.0\.1:\d+ may not use sudo without a password .*\/etc\/sudoers\.d\/plain$/,
      );
      await plain.stop();
      const modest = await HostPlugin.start({}, { ...configuration(), user: "plain", sudo: false });
      expect(await fault(modest)).to.include("/etc/refused: user plain may not do that");
      const path = "/home/plain/own";
      const { properties } = await modest.create("File", { path, content: "a", mode: "0600" });
      expect(await shell(`stat -c '%U %a' ${path}`)).to.equal("plain 600");
      await modest.delete("File", path, properties);
      await modest.stop();
    });

    it("says that a key is not accepted", async () => {
      await shell("mv /home/plain/.ssh /home/plain/.ssh-away");
      const plain = await HostPlugin.start({}, { ...configuration(), user: "plain" });
      expect(await fault(plain)).to.include("does not accept the private key");
      await plain.stop();
      await shell("mv /home/plain/.ssh-away /home/plain/.ssh");
    });

    it("says that a file system is read-only or full, and leaves the former file", async () => {
      const script =
        "mkdir -p /srv/ro && mount -t tmpfs -o size=64k tmpfs /srv/ro && echo old >/srv/ro/x";
      await shell(script);
      const inputs = { path: "/srv/ro/x", content: "a".repeat(200_000), mode: "0644" };
      expect(await fault(plugin, inputs)).to.include("/srv/ro/x: the disk is full; make room");
      expect(await shell("cat /srv/ro/x; ls -A /srv/ro")).to.equal("old\nx");
      await shell("mount -o remount,ro /srv/ro");
      expect(await fault(plugin, inputs)).to.include("/srv/ro/x: the file system is read-only");
      expect(await shell("cat /srv/ro/x; umount /srv/ro")).to.equal("old");
    });

    it("fails with one sentence when the connection is cut, and works when repeated", async () => {
      await shell("echo old >/etc/cut");
      const inputs = { path: "/etc/cut", content: "new\n".repeat(100_000), mode: "0644" };
      relay.cutAfter(150_000);
      expect(await fault(plugin, inputs)).to.match(/was lost.*; run the same command again\.$/);
      expect(await shell("cat /etc/cut")).to.equal("old");
      await plugin.create("File", inputs);
      expect(await shell("wc -c </etc/cut; ls -A /etc | grep -c '^\\.cut'")).to.equal("400000\n0");
      expect(relay.connections).to.be.greaterThan(1);
    });
  });
}

const foreignKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrbvGX1ejSUqqY1fCN9GW67UpJ5FNeYo7Dh4kBVKExE";

async function fault(
  plugin: HostPlugin,
  inputs: Record<string, unknown> = { path: "/etc/refused", content: "a", mode: "0644" },
): Promise<string> {
  try {
    await plugin.create("File", inputs);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("It was expected to fail, but did not.");
}

/** As many at a time as the engine has in hand (4 a processor). */
async function inTurn<T>(items: readonly T[], count: number, work: (item: T) => Promise<void>) {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
