import { request } from "node:https";
import { connect } from "node:net";

import { expect } from "chai";

import { forwardBaseOf, hostSchema } from "../../hostConfig.ts";
import { noContainers, startHost, type TestHost } from "../support/container.ts";
import type { Suite } from "../support/containerImage.ts";
import { RealStack } from "../support/realStack.ts";

const names = ["postgres", "keycloak", "core", "helm", "nexus"];

/** The whole platform on a fresh Debian by SSH, as a login user with sudo. */
export function describePlatform(suite: Suite, title: string): void {
  describe(`the platform on ${title} by SSH`, function () {
    this.timeout(900_000);
    this.slow(120_000);
    let host: TestHost;
    let stack: RealStack;
    let settings: Record<string, unknown>;
    const ends: (() => unknown)[] = [];

    before(async function () {
      if (noContainers !== undefined) return void this.skip();
      host = await startHost(suite);
      ends.push(() => host.stop());
      settings = { address: host.address, user: "deploy", privateKeyPath: host.keyPath };
      stack = await RealStack.create({ host: settings });
      ends.push(() => stack.remove());
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
    });

    const sh = async (script: string): Promise<string> => {
      const { code, stdout, stderr } = await host.exec(["sh", "-c", script]);
      if (code !== 0) throw new Error(`${script}: exit code ${String(code)}\n${stdout}${stderr}`);
      return stdout.trim();
    };
    const pidOf = (name: string) => sh(`systemctl show -P MainPID hive-${name}`);

    it("refuses a host it does not know, with its fingerprint and the line that pins it", async () => {
      const { code, text } = await stack.run("up", "--yes");
      expect(code).to.equal(1);
      const print = await sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
      expect(text).to.include(print).and.include(`hostKey: ${host.hostKey}`);
      expect(text).to.include(
        `pulumi config set --path hivematrix:host.hostKey '${host.hostKey}' --stack prod`,
      );
      expect(await sh("ls -d /etc/hivematrix /var/lib/hivematrix 2>/dev/null | wc -l")).to.equal(
        "0",
      );
      await stack.configure({ host: { ...settings, hostKey: host.hostKey } });
    });

    it("up: brings everything up; people can sign in at its address", async () => {
      const { code, text } = await stack.run("up", "--yes");
      expect(code, text).to.equal(0);
      expect(text).to.include(`✓ HiveMatrix  https://${host.address}`);
      const page = await follow(`https://${host.address}/`);
      expect(page.status).to.equal(200);
      expect(page.url).to.include(`https://${host.address}/keycloak/realms/hivematrix/`);
      expect(page.body).to.include("Sign in to HiveMatrix");
    });

    it("changes nothing the second time, and sees no drift, with Pulumi's own verbs", async () => {
      await stack.must("up", "--yes", "--skip-preview", "--expect-no-changes");
      await stack.must("preview", "--refresh", "--expect-no-changes");
      await stack.must("refresh", "--yes", "--skip-preview");
      await stack.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    });

    it("leaves nothing listening on this machine", async () => {
      const parsed = hostSchema.parse({ ...settings, hostKey: host.hostKey });
      const base = forwardBaseOf("prod", parsed);
      for (const port of [base, base + 1])
        expect(await listens(port), String(port)).to.equal(false);
    });

    it("runs each service as a user of its own, in a sandbox that scores at most 2.5", async () => {
      for (const name of names) {
        expect(await sh(`ps -o user:32= -p ${await pidOf(name)}`), name).to.equal(`hive-${name}`);
        const last = await sh(
          `systemd-analyze security --no-pager hive-${name}.service | tail -n 1`,
        );
        expect(Number(/: ([\d.]+) /.exec(last)?.[1]), `${name}: ${last}`).to.be.within(0.1, 2.5);
        const unit = await sh(`cat /etc/systemd/system/hive-${name}.service`);
        expect(unit)
          .to.match(/^MemoryMax=\d/m)
          .and.match(/^TasksMax=\d/m);
        expect(unit).to.match(/^IPAddressDeny=any$/m);
      }
      for (const name of ["core", "helm", "nexus"]) {
        const unit = await sh(`cat /etc/systemd/system/hive-${name}.service`);
        expect(unit)
          .to.match(/^LoadCredential=/m)
          .and.match(/^WatchdogSec=60$/m);
        // Who owns a connection is looked up by its user number.
        expect(unit).not.to.include("PrivateUsers");
        const environment = await sh(`cat /etc/hivematrix/units/hive-${name}.env`);
        expect(environment).not.to.match(/PASSWORD|SECRET|ENCRYPTION|COOKIE_KEY/);
      }
    });

    it("listens outside of loopback with the gateway, on both its ports, and sshd only", async () => {
      const listeners = await sh("ss -Hltn | awk '{print $4}'");
      const outside = listeners
        .split("\n")
        .filter((address) => !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address))
        .map((address) => address.split(":").at(-1));
      expect([...new Set(outside)].toSorted()).to.deep.equal(["22", "443", "80"]);
    });

    it("a service that hangs is started anew by its watchdog", async () => {
      const before = await pidOf("helm");
      // As if it had not said a word for its time, without waiting for that.
      await sh(`mkdir -p /run/systemd/system/hive-helm.service.d
        printf '[Service]\\nWatchdogSec=3\\n' >/run/systemd/system/hive-helm.service.d/test.conf
        systemctl daemon-reload && systemctl restart hive-helm`);
      const hung = await pidOf("helm");
      expect(hung).not.to.equal(before);
      await sh(`kill -STOP ${hung}`);
      await eventually(async () => ![hung, "0"].includes(await pidOf("helm")));
      await sh("rm -r /run/systemd/system/hive-helm.service.d; systemctl daemon-reload");
      expect(await sh("journalctl --no-pager -u hive-helm")).to.include("Watchdog timeout");
    });

    it("an update of gateway and core loses no request", async () => {
      await stack.edit("runtime/gateway/main.ts", "were read again", "were read once more");
      await stack.edit("runtime/core/main.ts", '"did not start"', '"did not start at all"');
      const before = await Promise.all(["core", "nexus"].map(pidOf));
      const asking = new AbortController();
      const asked = askMany(`https://${host.address}/health/live`, asking.signal);
      const { code, text } = await stack.run("up", "--yes");
      asking.abort();
      const { count, faults } = await asked;
      expect(code, text).to.equal(0);
      expect(faults, `of ${String(count)}`).to.deep.equal([]);
      expect(count).to.be.above(100);
      const after = await Promise.all(["core", "nexus"].map(pidOf));
      expect(after.some((pid) => before.includes(pid))).to.equal(false);
    });

    it("a release that does not become ready leaves the former one running, and up says why", async () => {
      const before = await pidOf("core");
      await stack.edit(
        "runtime/core/main.ts",
        "try {",
        'try {\n  throw new Error("broken on purpose");',
      );
      const { code, text } = await stack.run("up", "--yes");
      expect(code).not.to.equal(0);
      expect(text).to.match(/hive-core-candidate did not become ready/);
      expect(text).to.include("broken on purpose").and.include("The running one was not touched.");
      expect(await pidOf("core")).to.equal(before);
      await stack.edit("runtime/core/main.ts", '\n  throw new Error("broken on purpose");', "");
      const repaired = await stack.run("up", "--yes");
      expect(repaired.code, repaired.text).to.equal(0);
    });

    it("brings servers up that were stopped, before anybody asks them", async () => {
      await sh("systemctl stop hive-keycloak hive-postgres");
      const { code, text } = await stack.run("up", "--yes");
      expect(code, text).to.equal(0);
      expect(text).to.include("1 of 3: the host and PostgreSQL");
      expect(await sh("systemctl is-active hive-postgres hive-keycloak")).to.equal(
        "active\nactive",
      );
    });

    it("down: leaves the data with its owner and the packages, and says so", async () => {
      const { code, text } = await stack.run("down", "--yes");
      expect(code, text).to.equal(0);
      expect(text).to.include("Data: rm -rf /var/lib/hivematrix");
      expect(text).to.include("Debian packages that were installed: sudo apt-get purge");
      expect(await sh("ls -A /var/lib/hivematrix")).to.equal("postgres");
      expect(await sh("getent passwd | grep '^hive-' | cut -d: -f1")).to.equal("hive-postgres");
      expect(await sh("ls -A /etc/systemd/system | grep -c hive- || :")).to.equal("0");
      expect(await sh("ls -d /etc/hivematrix /var/cache/hivematrix 2>/dev/null || :")).to.equal("");
      expect(await sh("ps -eo user:32= | grep -c '^hive-' || :")).to.equal("0");
    });
  });
}

interface Page {
  readonly status: number;
  readonly url: string;
  readonly body: string;
}

/** As a browser, with cookies; the authority of a test is not checked. */
async function follow(start: string): Promise<Page> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let hop = 0; hop < 6; hop += 1) {
    const page = await get(url, [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    for (const line of page.cookies) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
      cookies.set(name, value);
    }
    if (page.location === undefined) return { ...page, url };
    url = new URL(page.location, url).href;
  }
  throw new Error(`${start} leads in circles`);
}

function get(url: string, cookie = "") {
  return new Promise<{ status: number; location?: string; cookies: string[]; body: string }>(
    (resolve, reject) => {
      const headers = { accept: "text/html", ...(cookie === "" ? {} : { cookie }) };
      const asked = request(url, { rejectUnauthorized: false, agent: false, headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (piece: string) => (body += piece));
        answer.once("error", reject);
        answer.once("end", () => {
          const { location } = answer.headers;
          resolve({
            status: answer.statusCode ?? 0,
            ...(location === undefined ? {} : { location }),
            cookies: answer.headers["set-cookie"] ?? [],
            body,
          });
        });
      });
      asked.once("error", reject);
      asked.end();
    },
  );
}

/** One request after the other, each on a connection of its own. */
async function askMany(url: string, signal: AbortSignal) {
  const faults: string[] = [];
  let count = 0;
  for (; !signal.aborted; count += 1) {
    await get(url).then(
      ({ status }) => status === 200 || faults.push(String(status)),
      (fault: unknown) => faults.push(String(fault)),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { count, faults };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("It did not happen within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
