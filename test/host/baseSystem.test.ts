import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { HostStack } from "../support/hostStack.ts";

const program = `
const base = new BaseSystem("base", { provider });
const { system, version, codename, systemd, cores, memory, tested } = base.machine;
export const facts = { system, version, codename, systemd, cores, memory, tested };
`;

const up = ["up", "--yes", "--skip-preview"];
const again = [...up, "--refresh", "--run-program"];
const systems = {
  bookworm: { version: "12", systemd: 252 },
  trixie: { version: "13", systemd: 257 },
} as const;

for (const suite of ["bookworm", "trixie"] as const) {
  describe(`the base system of ${suite}`, function () {
    this.timeout(300_000);
    this.slow(20_000);
    let stack: HostStack;

    before(async function () {
      this.timeout(900_000);
      if (noContainers !== undefined) {
        console.log(`      skipped: ${noContainers}`);
        this.skip();
      }
      const components = ["BaseSystem"];
      stack = await HostStack.start({ name: "base", classes: [], components, program, suite });
    });
    after(async () => {
      if (noContainers === undefined) await stack.close();
    });

    if (suite === "bookworm") {
      it("refuses a system that cannot work, with one sentence and before anything is changed", async () => {
        await stack.sh("mv /usr/bin/dpkg /usr/bin/dpkg.away");
        const { code, text } = await stack.attempt(up);
        await stack.sh("mv /usr/bin/dpkg.away /usr/bin/dpkg");
        expect(code).not.to.equal(0);
        expect(text).to.match(
          /Debian GNU\/Linux 12 \(bookworm\) has no Debian packages \(dpkg\); use Debian 12 or 13\./,
        );
        expect(await stack.sh("ls /etc/apt/apt.conf.d")).not.to.match(/hivematrix|auto-upgrades/);
      });

      it("says of a system that may work that it is untested", async () => {
        await stack.sh("cp /etc/os-release /tmp/os && rm /etc/os-release");
        await stack.sh(
          "sed 's/^ID=.*/ID=ubuntu/; s/^PRETTY_NAME=.*/PRETTY_NAME=\"Ubuntu 24.04\"/; s/^VERSION_ID=.*/VERSION_ID=24.04/' /tmp/os >/etc/os-release",
        );
        const machine = ["--target", "urn:pulumi:test::base::**Machine::base-machine"];
        const { code, text } = await stack.attempt([...up, ...machine]);
        await stack.sh("mv /tmp/os /etc/os-release");
        expect(text).to.include("Ubuntu 24.04 is untested: supported are Debian 12 and 13.");
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        expect(code, text).to.equal(0);
      });
    }

    it("is made, and changes nothing the second time", async () => {
      await stack.pulumi(...up);
      const second = await stack.pulumi(...again);
      expect(second).not.to.match(/\d+ (created|updated|replaced|deleted)/);
    });

    it("knows the machine", async () => {
      const outputs = JSON.parse(await stack.pulumi("stack", "output", "--json")) as {
        facts: Record<string, unknown>;
      };
      const { version, systemd } = systems[suite];
      expect(outputs.facts).to.include({ version, systemd, codename: suite, tested: true });
      expect(outputs.facts["cores"]).to.equal(Number(await stack.sh("nproc")));
      const kib = Number(
        await stack.sh("sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"),
      );
      expect(outputs.facts["memory"]).to.equal(Math.round(kib / 1024));
    });

    it("keeps its clock: the time daemon is installed and starts with the machine", async () => {
      expect(await stack.sh("systemctl is-enabled systemd-timesyncd.service")).to.equal("enabled");
      // It does not run in a container, which has no clock of its own: that is its own condition.
      expect(await stack.sh("systemctl show -P ConditionResult systemd-timesyncd")).to.equal("no");
    });

    it("gets security updates by itself, and no others", async () => {
      expect(
        await stack.sh("systemctl is-active apt-daily.timer apt-daily-upgrade.timer"),
      ).to.equal("active\nactive");
      const dump = await stack.sh("apt-config dump");
      expect(dump).to.include('APT::Periodic::Unattended-Upgrade "1";');
      expect(dump).to.include('Unattended-Upgrade::Automatic-Reboot "false";');
      const origins = [...dump.matchAll(/^Unattended-Upgrade::Origins-Pattern:: "(.*)";$/gm)];
      expect(origins.map(([, origin]) => origin)).to.deep.equal([
        "origin=Debian,codename=${distro_codename},label=Debian-Security",
        "origin=Debian,codename=${distro_codename}-security,label=Debian-Security",
      ]);
      const said = await stack.sh("unattended-upgrade --dry-run --debug 2>&1 || :");
      expect(said).to.match(/Allowed origins are: .*label=Debian-Security/);
      expect(said).not.to.match(/Allowed origins are: .*label=Debian[,\s]/);
    });

    it("is found changed and repaired: stopped, disabled, edited", async () => {
      await stack.sh(
        "systemctl disable -q --now apt-daily-upgrade.timer; systemctl disable -q systemd-timesyncd; echo 'APT::Periodic::Unattended-Upgrade \"0\";' >>/etc/apt/apt.conf.d/20auto-upgrades",
      );
      expect(await stack.pulumi(...again)).to.match(/~ 3 updated/);
      expect(
        await stack.sh(
          "systemctl is-active apt-daily-upgrade.timer; systemctl is-enabled apt-daily-upgrade.timer systemd-timesyncd; tail -n 1 /etc/apt/apt.conf.d/20auto-upgrades",
        ),
      ).to.equal('active\nenabled\nenabled\nAPT::Periodic::AutocleanInterval "7";');
      expect(await stack.pulumi(...again)).not.to.match(/\d+ (created|updated|replaced|deleted)/);
    });

    it("gives back what it found; packages stay and are listed", async () => {
      const text = await stack.pulumi("destroy", "--yes", "--skip-preview");
      expect(text).to.match(/Debian packages stay\. Remove them with: apt-get purge .*upgrades/);
      expect(await stack.sh("ls /etc/apt/apt.conf.d")).not.to.include("hivematrix");
    });
  });
}
