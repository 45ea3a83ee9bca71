import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { PluginError, secret } from "../support/hostPlugin.ts";
import { type DebianHost, startDebianHost } from "./debianHost.ts";
import { program } from "./webService.ts";

type Values = Record<string, unknown>;

describe("Unit on Debian with systemd", function () {
  this.timeout(40_000);
  this.slow(10_000);
  let on: DebianHost;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    on = await startDebianHost();
    await on.sh("useradd --system --user-group web");
    await on.sh("mkdir -p /opt/web && cat >/opt/web/main.js <<'END'\n" + program + "\nEND");
  });
  after(async () => {
    if (noContainers === undefined) await on.stop();
  });
  afterEach(async () => {
    await on.plugin.delete("Unit", "web", await declare());
  });

  async function declare(env: Values = {}, more: Values = {}): Promise<Values> {
    const { inputs, failures } = await on.plugin.check("Unit", {
      name: "web",
      command: ["/usr/local/bin/node", "/opt/web/main.js"],
      user: "web",
      env: { PORT: "7000", GREETING: "one", ...env },
      ready: [{ http: { url: "http://127.0.0.1:7000/" } }],
      readyTimeout: 20,
      stopTimeout: 5,
      ...more,
    });
    expect(failures).to.deep.equal([]);
    return inputs;
  }

  const start = async (env: Values = {}, more: Values = {}) =>
    (await on.plugin.create("Unit", await declare(env, more))).properties;
  const update = (olds: Values, news: Values) => on.plugin.update("Unit", "web", olds, news);
  const read = async (olds: Values) => (await on.plugin.read("Unit", "web", olds))?.properties;
  const answer = () =>
    on.sh(`node -e 'fetch("http://127.0.0.1:7000/").then(r=>r.text()).then(console.log)'`);
  const failed = async (work: Promise<unknown>): Promise<PluginError> => {
    const error: unknown = await work.then(
      () => expect.fail("it did not fail"),
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(PluginError);
    return error as PluginError;
  };

  it("runs as its own user, starts with the machine, is read without drift and leaves nothing", async () => {
    const state = await start();
    expect(await answer()).to.match(/^one \d+$/);
    expect(await on.sh("systemctl is-enabled web.service")).to.equal("enabled");
    expect(await on.sh("ps -o user= -p $(systemctl show -P MainPID web)")).to.equal("web");
    expect(await read(state)).to.deep.equal(state);
    expect((await on.plugin.diff("Unit", state, await declare())).changes).to.equal(false);
    await on.plugin.delete("Unit", "web", state);
    expect(await on.sh("systemctl show -P LoadState web.service")).to.equal("not-found");
    expect(
      await on.sh("find /etc/systemd /etc/hivematrix /run/systemd/system -name '*web*'"),
    ).to.equal("");
    expect(await read(state)).to.equal(undefined);
  });

  it("keeps secrets out of unit, argv and journal; a credential is a file of its own", async () => {
    const state = await start(
      { KEY: secret('hidden"$`\\value'), GREETING: 'a $x %n "b"' },
      { credentials: { token: secret("hidden-token") } },
    );
    expect(await on.sh("cat /etc/systemd/system/web.service")).not.to.contain("hidden");
    expect(await on.sh("stat -c '%a %U' /etc/hivematrix/units /etc/hivematrix/units/*")).to.equal(
      "700 root\n600 root\n600 root",
    );
    const pid = await on.sh("systemctl show -P MainPID web");
    expect(await on.sh(`tr '\\0' '\\n' </proc/${pid}/environ`)).to.contain('KEY=hidden"$`\\value');
    expect(await answer()).to.match(/^a \$x %n "b" \d+$/);
    const credential = "/run/credentials/web.service/token";
    expect(await on.sh(`nsenter -t ${pid} -m cat ${credential}`)).to.equal("hidden-token");
    expect(await on.sh(`nsenter -t ${pid} -m stat -c '%a %U' ${credential}`)).to.equal("400 web");
    expect(await on.sh(`tr '\\0' ' ' </proc/${pid}/cmdline`)).not.to.contain("hidden");
    expect(await on.sh("journalctl --no-pager -u web")).not.to.contain("hidden");
    expect(await read(state)).to.deep.equal(state);
  });

  it("goes back to the former one when an update is not ready, and says its last lines", async () => {
    const state = await start();
    const error = await failed(update(state, await declare({ FAULT: "no such table" })));
    expect(error.message).to.match(/^web did not become ready/);
    expect(error.message).to.contain("fault: no such table");
    expect(error.message).to.match(/The former one is back and ready\.$/);
    expect(error.state).to.equal(undefined);
    expect(await answer()).to.match(/^one \d+$/);
    expect(await read(state)).to.deep.equal(state);
  });

  it("with handover loses no request, and a faulty candidate does not touch the running one", async () => {
    const state = await start({}, { handover: true });
    const pid = await on.sh("systemctl show -P MainPID web");
    const error = await failed(update(state, await declare({ FAULT: "bad" }, { handover: true })));
    expect(error.message)
      .to.contain("fault: bad")
      .and.to.match(/was not touched\.$/);
    expect(await on.sh("systemctl show -P MainPID web")).to.equal(pid);
    const asking = on.sh(`node -e '
      let count = 0; const faults = [], seen = new Set();
      const ask = () => fetch("http://127.0.0.1:7000/").then((r) => r.text())
        .then((t) => seen.add(t.split(" ")[0]), (e) => faults.push(String(e.cause ?? e)))
        .then(() => (count++, require("fs").existsSync("/tmp/enough") ? undefined : ask()));
      ask().then(() => console.log(JSON.stringify({ count, faults, seen: [...seen] })))'`);
    const wanted = await declare({ GREETING: "two" }, { handover: true });
    const next = await update(state, wanted);
    await on.sh("touch /tmp/enough");
    const asked = JSON.parse(await asking) as { count: number; faults: string[]; seen: string[] };
    expect(asked.faults, `of ${String(asked.count)}`).to.deep.equal([]);
    expect(asked.count).to.be.above(50);
    expect(asked.seen).to.have.members(["one", "two"]);
    expect(await on.sh("systemctl list-units --all --plain --no-legend 'web*'")).to.match(
      /^web\.service \S.*$/,
    );
    expect(await read(next)).to.deep.equal(next);
  });

  const breaks: Record<string, { by: string; found: string[] }> = {
    "an edited unit": {
      by: "sed -i s/MemoryMax=1G/MemoryMax=2G/ /etc/systemd/system/web.service",
      found: ["unit"],
    },
    "a drop-in": {
      by: "mkdir /etc/systemd/system/web.service.d && printf '[Service]\\nProtectHome=no\\n' >/etc/systemd/system/web.service.d/x.conf && systemctl daemon-reload",
      found: ["intact"],
    },
    "a changed secret file": {
      by: "echo X=1 >>/etc/hivematrix/units/web.env",
      found: ["intact"],
    },
    "an opened secret file": { by: "chmod 644 /etc/hivematrix/units/web.env", found: ["intact"] },
    "a stopped service": { by: "systemctl stop web", found: ["running"] },
    "a disabled service": { by: "systemctl disable web", found: ["enabled"] },
    "a masked service": {
      by: "systemctl stop web; rm /etc/systemd/system/web.service && systemctl mask web",
      found: ["enabled", "running", "unit"],
    },
    "a service replaced by a listener of its own": {
      by: "systemctl stop web; systemd-run -q --unit=other -E PORT=7000 /usr/local/bin/node /opt/web/main.js",
      found: ["running"],
    },
  };
  for (const [what, { by, found }] of Object.entries(breaks)) {
    it(`finds ${what} and repairs it; the second look finds nothing`, async () => {
      const state = await start();
      await on.sh(by);
      const seen = await read(state);
      const wanted = await declare();
      const { detailed } = await on.plugin.diff("Unit", seen ?? {}, wanted);
      expect(Object.keys(detailed).toSorted()).to.deep.equal(found);
      await on.sh("systemctl stop other 2>/dev/null || :");
      const repaired = await update(seen ?? {}, wanted);
      expect(await read(repaired)).to.deep.equal(state);
      expect((await on.plugin.diff("Unit", repaired, wanted)).changes).to.equal(false);
      expect(await answer()).to.match(/^one \d+$/);
    });
  }

  it("finds a removed unit and makes it again", async () => {
    const state = await start();
    await on.sh(
      "systemctl disable -q --now web; rm /etc/systemd/system/web.service; systemctl daemon-reload",
    );
    expect(await read(state)).to.equal(undefined);
    expect(await start()).to.deep.equal(state);
  });

  it("refuses a unit of somebody else's and a unit that systemd does not understand", async () => {
    const error = await failed(
      on.plugin.create("Unit", await declare({}, { name: "ssh", command: ["/bin/true"] })),
    );
    expect(error.message).to.equal(
      "ssh.service is another one's (/lib/systemd/system/ssh.service); choose another name.",
    );
    const state = await start();
    const wrong = await declare({}, { command: ["/opt/web/missing"] });
    const refused = await failed(update(state, wrong));
    expect(refused.message).to.contain("refuses the new content");
    expect(refused.message).to.contain("/opt/web/missing is not executable");
    expect(await answer()).to.match(/^one \d+$/);
  });

  it("talks with nobody outside, unless a network is declared", async () => {
    await start();
    const gateway = await on.sh("ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
    const main = "/opt/web/main.js";
    const call = `const s=require("net").connect({host:"${gateway}",port:9});s.on("error",e=>console.log("call:",e.code));setTimeout(()=>s.connecting&&console.log("call: no answer"),3000);`;
    await on.sh(`printf '%s\\n' '${call}' | cat ${main} - >/opt/web/calls.js`);
    const said = async (more: Values): Promise<string> => {
      const command = ["/usr/local/bin/node", "/opt/web/calls.js"];
      await on.plugin.delete("Unit", "web", await declare());
      await start({}, { command, ...more });
      const pid = await on.sh("systemctl show -P MainPID web");
      const script = `for i in $(seq 50); do journalctl --no-pager -o cat _PID=${pid} | grep call: && exit; sleep 0.2; done; exit 1`;
      return on.sh(script);
    };
    expect(await said({})).to.match(/call: (EPERM|no answer)/);
    expect(await said({ egress: [`${gateway}/32`] })).to.equal("call: ECONNREFUSED");
  });

  it("scores at most 2.5, with Node's JIT and with CAP_NET_BIND_SERVICE", async () => {
    const score = async () => {
      const text = await on.sh(
        "systemd-analyze security --no-pager --offline=true /etc/systemd/system/web.service | tail -n 1",
      );
      return Number(/: ([\d.]+) /.exec(text)?.[1]);
    };
    const state = await start();
    expect(await score()).to.be.within(0.1, 2.5);
    await update(
      state,
      await declare(
        { PORT: "700" },
        {
          capabilities: ["CAP_NET_BIND_SERVICE"],
          ready: [{ http: { url: "http://127.0.0.1:700/" } }],
        },
      ),
    );
    expect(await score()).to.be.within(0.1, 2.5);
  });
});
