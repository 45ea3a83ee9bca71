import { expect } from "chai";

import { Memory } from "../../cli/drift/memory.ts";
import { readDrift } from "../../cli/drift/read.ts";
import type { Report } from "../../cli/drift/report.ts";
import { noContainers } from "../support/container.ts";
import { HostStack } from "../support/hostStack.ts";

const classes = [
  ...["Certificate", "CertificateAuthority", "Directory", "File", "FirewallRuleset", "Package"],
  ...["Unit", "User"],
];

const program = `
const child = { provider };
const users = ["web", "left"].map(
  (name) => new User(name, { name, home: "/nonexistent" }, child),
);
["edited", "stopped", "disabled", "replaced"].map((name, index) => {
  const port = 7001 + index;
  return new Unit(
    name,
    {
      name,
      command: ["/usr/bin/python3", "-m", "http.server", String(port), "--bind", "127.0.0.1"],
      user: "web",
      ready: [{ tcp: { port } }],
      readyTimeout: 60,
    },
    { ...child, dependsOn: users },
  );
});
new File("settings", { path: "/srv/settings", content: "one\\ntwo\\nthree\\n" }, child);
new File("mode", { path: "/srv/mode", content: "x\\n", mode: "0640" }, child);
new File("hidden", { path: "/srv/hidden", content: secret("hush-hush\\n"), mode: "0600" }, child);
new Directory("folder", { path: "/srv/folder", mode: "0750" }, child);
new Package("package", { names: ["tree", "time"] }, child);
const authority = new CertificateAuthority("authority", { commonName: "Test" }, child);
const certificate = new Certificate(
  "certificate",
  {
    authorityCertificate: authority.certificate,
    authorityKey: authority.privateKey,
    names: ["localhost"],
  },
  child,
);
new FirewallRuleset("firewall", { open: [{ port: 443 }] }, child);
new File("tls", { path: "/srv/tls.crt", content: certificate.certificate }, child);
`;

interface Break {
  readonly title: string;
  /** A script, as root. */
  readonly by: string;
  /** Resource and property that drift names; null: gone. */
  readonly name: string;
  readonly property: string | null;
  /** A script whose output is the same before the break and after the repair. */
  readonly look: string;
  /** What is recorded of it. */
  readonly recorded?: { readonly who?: string; readonly source: RegExp };
}

const asDeploy = (command: string): string => `su - deploy -c '${command}'`;

const breaks: readonly Break[] = [
  {
    title: "an edited unit",
    by: "sed -i s/MemoryMax=1G/MemoryMax=2G/ /etc/systemd/system/edited.service",
    name: "edited",
    property: "unit",
    look: "cat /etc/systemd/system/edited.service",
    recorded: { source: /edited\.service: changed last; belongs to root/ },
  },
  {
    title: "a stopped service",
    by: asDeploy("sudo systemctl stop stopped.service"),
    name: "stopped",
    property: "running",
    look: "systemctl is-active stopped",
    recorded: { who: "deploy", source: /^sudo: .*systemctl stop stopped\.service/ },
  },
  {
    title: "a disabled service",
    by: "systemctl disable -q disabled",
    name: "disabled",
    property: "enabled",
    look: "systemctl is-enabled disabled",
  },
  {
    title: "a changed file",
    by: asDeploy("echo TWO | sudo tee -a /srv/settings >/dev/null"),
    name: "settings",
    property: "content",
    look: "cat /srv/settings",
    recorded: { who: "deploy", source: /^sudo: .*tee -a \/srv\/settings/ },
  },
  {
    title: "a changed mode",
    by: "chmod 666 /srv/mode",
    name: "mode",
    property: "mode",
    look: "stat -c %a /srv/mode",
    recorded: { source: /^\/srv\/mode: changed last; belongs to root/ },
  },
  {
    title: "a deleted directory",
    by: "rmdir /srv/folder",
    name: "folder",
    property: null,
    look: "stat -c '%a %U' /srv/folder",
    recorded: { source: /^\/srv: something in it was changed last/ },
  },
  {
    title: "a deleted user",
    by: asDeploy("sudo userdel left"),
    name: "left",
    property: null,
    look: "getent passwd left | cut -d: -f1,6,7",
    recorded: { source: /^journal: delete user 'left'|^sudo: .*userdel left/ },
  },
  {
    title: "a removed package",
    by: asDeploy("sudo apt-get -qq -y remove tree >/dev/null 2>&1"),
    name: "package",
    property: "names[0]",
    look: "dpkg-query -W -f '${db:Status-Status}' tree",
    recorded: { who: "deploy", source: /^apt: apt-get .*remove tree/ },
  },
  {
    title: "a changed certificate",
    by: "sed -i '2s/^...../AAAAA/' /srv/tls.crt",
    name: "tls",
    property: "content",
    look: "cat /srv/tls.crt",
    recorded: { source: /^\/srv\/tls\.crt: changed last/ },
  },
  {
    title: "a service replaced by a listener of its own",
    by: "systemctl stop replaced && systemd-run -q --unit=other python3 -m http.server 7004 --bind 127.0.0.1",
    name: "replaced",
    property: "running",
    look: "systemctl is-active replaced",
    recorded: { source: /^port 7004 is taken by python3, of other\.service/ },
  },
];

describe("hive drift on a host with systemd", function () {
  this.timeout(180_000);
  this.slow(30_000);
  let stack: HostStack;
  let report: Report;
  let second: string;
  const [sound, broken] = [new Map<string, string>(), new Map<string, string>()];

  const state = () => stack.pulumi("stack", "export");
  const drift = (): Promise<Report> =>
    readDrift({
      folder: stack.folder,
      stack: "test",
      env: stack.env,
      memory: new Memory(stack.folder, "test"),
    });

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) {
      console.log(`      skipped: ${noContainers}`);
      this.skip();
    }
    stack = await HostStack.start({ name: "drift", classes, program, direct: true });
    await stack.pulumi("up", "--yes", "--skip-preview");
    for (const { title, look } of breaks) sound.set(title, await stack.sh(look));
    for (const { by } of breaks) await stack.sh(by);
    await stack.sh("echo leaked >>/srv/hidden");
    for (const { title, look } of breaks) broken.set(title, await stack.sh(`${look} || :`));
    const earlier = [await state(), await everything()];
    report = await drift();
    expect([await state(), await everything()], "drift changed something").to.deep.equal(earlier);
    // The one break that up cannot undo: it ends no process of somebody else's.
    await stack.sh("systemctl stop other");
    await stack.pulumi("up", "--yes", "--skip-preview", "--refresh", "--run-program");
    second = await stack.pulumi("up", "--yes", "--skip-preview", "--refresh", "--run-program");
  });
  after(async () => {
    if (noContainers === undefined) await stack.close();
  });

  /** Files and processes of the host: all that a look could have changed. */
  function everything(): Promise<string> {
    return stack.sh(
      `find /srv /etc -type f -printf '%p %T@ %C@ %m %u\\n' | sort; getent passwd; dpkg-query -W; systemctl list-units --all --plain --no-legend --type=service | grep -v systemd- | grep -v ssh; nft -s list ruleset | grep -v 'elements = '`,
    );
  }

  for (const { title, name, property, look, recorded } of breaks) {
    it(`names ${title}; up repairs it`, async () => {
      expect(broken.get(title)).not.to.equal(sound.get(title));
      const found = report.drift.find(
        (finding) => finding.name === name && finding.property === property,
      );
      expect(found, JSON.stringify(report.drift, null, 1)).not.to.equal(undefined);
      expect(found?.found).not.to.deep.equal(found?.expected);
      expect(found?.firstSeen).to.equal(report.time);
      if (recorded !== undefined) {
        const told = JSON.stringify(found?.recorded);
        const one = found?.recorded.find(({ source }) => recorded.source.test(source));
        expect(one, told).not.to.equal(undefined);
        if (recorded.who !== undefined) expect(one?.who, told).to.equal(recorded.who);
        expect(Date.now() - Date.parse(one?.when ?? "")).to.be.within(0, 900_000);
      }
      expect(await stack.sh(look)).to.equal(sound.get(title));
    });
  }

  it("names nothing twice and nothing else, and never shows a secret", () => {
    const named = report.drift.map(({ name, property }) => `${name} ${String(property)}`);
    expect(named.filter((text) => !/^package /.test(text)).toSorted()).to.deep.equal(
      [
        ...breaks
          .filter(({ name }) => name !== "package")
          .map(({ name, property }) => `${name} ${String(property)}`),
        "hidden content",
      ].toSorted(),
    );
    const text = JSON.stringify(report);
    expect(text).not.to.include("hush");
    expect(text).not.to.include("leaked");
  });

  /** A host has one firewall: its two breaks come one after the other. */
  const firewallBreaks = [
    {
      title: "an extra rule in our table",
      by: asDeploy("sudo nft add rule inet hivematrix arriving tcp dport 9999 accept"),
    },
    { title: "a table flushed", by: asDeploy("sudo nft flush table inet hivematrix") },
  ];
  for (const { title, by } of firewallBreaks) {
    it(`names ${title}; up repairs it, the second up is empty`, async () => {
      const look = () => stack.sh("nft -s list table inet hivematrix");
      const intact = await look();
      await stack.sh(by);
      expect(await look()).not.to.equal(intact);
      const { drift: found } = await drift();
      expect(found.map(({ name, property }) => [name, property])).to.deep.equal([
        ["firewall", "loaded"],
      ]);
      expect(found[0]?.expected).to.be.a("string").and.not.to.equal(found[0]?.found);
      expect(found[0]?.recorded[0]).to.include({ who: "deploy" });
      expect(found[0]?.recorded[0]?.source).to.match(/^sudo: .*nft (add rule|flush table)/);
      await stack.pulumi("up", "--yes", "--skip-preview", "--refresh", "--run-program");
      expect(await look()).to.equal(intact);
      second = await stack.pulumi("up", "--yes", "--skip-preview", "--refresh", "--run-program");
      expect(second).not.to.match(/\d+ (created|updated|replaced|deleted)/);
    });
  }

  it("has nothing to do after the repair, and no drift is left", async () => {
    expect(second).to.match(/\d+ unchanged/);
    expect(second).not.to.match(/\d+ (created|updated|replaced|deleted)/);
    expect((await drift()).drift).to.deep.equal([]);
  });
});
