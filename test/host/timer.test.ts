import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { secret } from "../support/hostPlugin.ts";
import { eventually } from "../support/trial.ts";
import { type DebianHost, startDebianHost } from "./debianHost.ts";

type Values = Record<string, unknown>;

for (const suite of ["bookworm", "trixie"] as const) {
  describe(`Timer on ${suite} with systemd`, function () {
    this.timeout(60_000);
    this.slow(10_000);
    let on: DebianHost;

    before(async function () {
      this.timeout(900_000);
      if (noContainers !== undefined) return void this.skip();
      on = await startDebianHost(suite);
      await on.sh("useradd --system --user-group job && install -d -o job /srv/job");
    });
    after(async () => {
      if (noContainers === undefined) await on.stop();
    });
    afterEach(async () => {
      await on.plugin.delete("Timer", "job", await declare());
    });

    async function declare(more: Values = {}): Promise<Values> {
      const { inputs, failures } = await on.plugin.check("Timer", {
        name: "job",
        schedule: "*-*-* 02:00:00",
        command: ["/bin/sh", "-c", 'printf %s "$GREETING" >/srv/job/said; touch /etc/outside'],
        user: "job",
        env: { GREETING: 'a $x "b"' },
        writable: ["/srv/job"],
        ...more,
      });
      expect(failures).to.deep.equal([]);
      return inputs;
    }

    const create = async (more: Values = {}) =>
      (await on.plugin.create("Timer", await declare(more))).properties;
    const read = async (state: Values) => (await on.plugin.read("Timer", "job", state))?.properties;

    it("waits for its time, runs sandboxed as its user, and leaves nothing", async () => {
      const state = await create();
      expect(await on.sh("systemctl is-enabled job.timer; systemctl is-active job.timer")).to.equal(
        "enabled\nactive",
      );
      expect(await on.sh("systemctl show -P NextElapseUSecRealtime job.timer")).to.match(
        / 02:00:00 /,
      );
      await on.sh("systemctl start job.service || :");
      expect(await on.sh("cat /srv/job/said; stat -c %U /srv/job/said")).to.equal('a $x "b"job');
      expect(await on.sh("ls /etc/outside 2>/dev/null || echo none")).to.equal("none");
      expect(await read(state)).to.deep.equal(state);
      expect((await on.plugin.diff("Timer", state, await declare())).changes).to.equal(false);
      await on.plugin.delete("Timer", "job", state);
      expect(await on.sh("systemctl show -P LoadState job.timer job.service")).to.match(
        /^not-found\s+not-found$/,
      );
      expect(
        await on.sh("find /etc/systemd /etc/hivematrix /var/lib/systemd/timers -name '*job*'"),
      ).to.equal("");
      expect(await read(state)).to.equal(undefined);
    });

    it("runs by itself when its time comes", async () => {
      await on.sh("rm -f /srv/job/said");
      await create({ schedule: "*-*-* *:*:0/5" });
      await eventually("it ran", 45, async () => (await on.sh("cat /srv/job/said")) !== "");
    });

    it("keeps secrets in files of root alone", async () => {
      const state = await create({
        env: { KEY: secret("hidden-key") },
        credentials: { token: secret("hidden-token") },
      });
      expect(await on.sh("cat /etc/systemd/system/job.*")).not.to.contain("hidden");
      expect(await on.sh("stat -c '%a %U' /etc/hivematrix/units/job.*")).to.equal(
        "600 root\n600 root",
      );
      expect(await read(state)).to.deep.equal(state);
    });

    const breaks: Record<string, { by: string; found: string[] }> = {
      "another time": {
        by: "sed -i s/02:00/03:00/ /etc/systemd/system/job.timer && systemctl daemon-reload",
        found: ["timer"],
      },
      "an edited service": {
        by: "sed -i s/ProtectHome=yes/ProtectHome=no/ /etc/systemd/system/job.service",
        found: ["unit"],
      },
      "a stopped timer": { by: "systemctl stop job.timer", found: ["running"] },
      "a disabled timer": { by: "systemctl disable -q job.timer", found: ["enabled"] },
      "a drop-in": {
        by: "mkdir /etc/systemd/system/job.service.d && printf '[Service]\\nProtectHome=no\\n' >/etc/systemd/system/job.service.d/x.conf && systemctl daemon-reload",
        found: ["intact"],
      },
      "a changed secret file": {
        by: "echo X=1 >>/etc/hivematrix/units/job.env",
        found: ["intact"],
      },
    };
    for (const [what, { by, found }] of Object.entries(breaks)) {
      it(`finds ${what} and repairs it; the second look finds nothing`, async () => {
        const state = await create();
        await on.sh(by);
        const seen = await read(state);
        const wanted = await declare();
        const { detailed } = await on.plugin.diff("Timer", seen ?? {}, wanted);
        expect(Object.keys(detailed)).to.deep.equal(found);
        const repaired = await on.plugin.update("Timer", "job", seen ?? {}, wanted);
        expect(await read(repaired)).to.deep.equal(state);
        expect((await on.plugin.diff("Timer", repaired, wanted)).changes).to.equal(false);
      });
    }

    it("refuses a time that is none and a program that is missing; the former one stays", async () => {
      const state = await create();
      const failed = (work: Promise<unknown>): Promise<string> =>
        work.then(
          () => expect.fail("it did not fail"),
          (error: unknown) => (error as Error).message,
        );
      const wrong = async (more: Values) =>
        failed(on.plugin.update("Timer", "job", state, await declare(more)));
      expect(await wrong({ schedule: "some day" })).to.match(
        /^The schedule "some day" is none \(.*\); see systemd\.time\(7\)\.$/,
      );
      expect(await wrong({ command: ["/opt/missing"] })).to.contain(
        "/opt/missing is not executable",
      );
      expect(await wrong({ user: "nobody-there" })).to.equal(
        "There is no user nobody-there; declare a User for it.",
      );
      expect(await read(state)).to.deep.equal(state);
    });

    it("scores at most 2.5", async () => {
      await create();
      const text = await on.sh(
        "systemd-analyze security --no-pager --offline=true /etc/systemd/system/job.service | tail -n 1",
      );
      expect(Number(/: ([\d.]+) /.exec(text)?.[1])).to.be.within(0.1, 2.5);
    });
  });
}
