import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { freePort } from "../support/freePort.ts";
import { HostStack } from "../support/hostStack.ts";

/** The machine first, then a package, then files of which one is large. */
const program = `
const machine = new Machine("machine", { provider });
const tools = new Package("tools", { names: ["tree"] }, { provider, dependsOn: machine });
new File("large", { path: "/srv/data/large", content: "new\\n".repeat(60_000) }, { provider, dependsOn: tools });
`;

const up = ["up", "--yes", "--skip-preview"];

interface Fault {
  readonly title: string;
  /** Scripts on the host, as root: make it so, and undo it. */
  readonly by?: string;
  readonly undo?: string;
  readonly env?: () => Promise<NodeJS.ProcessEnv> | NodeJS.ProcessEnv;
  readonly cut?: boolean;
  /** The one sentence. */
  readonly says: RegExp;
}

describe("bad input: a host that cannot do what is asked", function () {
  this.timeout(180_000);
  this.slow(30_000);
  let stack: HostStack;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) {
      console.log(`      skipped: ${noContainers}`);
      this.skip();
    }
    const classes = ["File", "Machine", "Package"];
    stack = await HostStack.start({ name: "badInput", classes, program });
    await stack.sh(
      "mkdir -p /srv/data && mount -t tmpfs -o size=1m tmpfs /srv/data && echo old >/srv/data/large",
    );
  });
  after(async () => {
    if (noContainers === undefined) await stack.close();
  });

  const faults: readonly Fault[] = [
    {
      title: "unreachable",
      env: async () => ({ TEST_PORT: String(await freePort()) }),
      says: /deploy@127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED[^\n]*\./,
    },
    {
      title: "refuses the key",
      env: () => {
        const path = join(stack.folder, "other-key");
        execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
        return { TEST_KEY: path };
      },
      says: /deploy@127\.0\.0\.1:\d+ does not accept the private key[^\n]*\./,
    },
    {
      title: "gives no sudo",
      env: () => ({ TEST_USER: "plain" }),
      says: /plain@127\.0\.0\.1:\d+ may not use sudo without a password .*sudoers\.d\/plain/,
    },
    {
      title: "has a clock that is an hour off",
      // A container has the clock of this machine, which no test may touch: only what it says.
      by: `printf '#!/bin/sh\\nexec /bin/date -d "1 hour" "$@"\\n' >/usr/local/bin/date && chmod 755 /usr/local/bin/date`,
      undo: "rm /usr/local/bin/date",
      says: /The host's clock is 60 min ahead of this machine's, [^\n]*run the same command again\./,
    },
    {
      title: "reaches no package mirror",
      by: "mv /etc/apt/sources.list.d /etc/apt/away; mv /etc/apt/sources.list /etc/apt/sources.away 2>/dev/null; echo 'deb http://127.0.0.1:9/debian bookworm main' >/etc/apt/sources.list",
      undo: "rm /etc/apt/sources.list; mv /etc/apt/away /etc/apt/sources.list.d; mv /etc/apt/sources.away /etc/apt/sources.list 2>/dev/null || :",
      says: /The package mirror http:\/\/127\.0\.0\.1:9 does not answer \([^\n]*\); check [^\n]*run the same command again\./,
    },
    {
      title: "has a full disk",
      by: "head -c 900k /dev/zero >/srv/data/full",
      undo: "rm /srv/data/full",
      says: /\/srv\/data\/large: the disk is full; make room and run the same command again\./,
    },
    {
      title: "has a read-only file system",
      by: "mount -o remount,ro /srv/data",
      undo: "mount -o remount,rw /srv/data",
      says: /\/srv\/data\/large: the file system is read-only; mount it writable [^\n]*\./,
    },
    {
      title: "loses the connection in the middle",
      cut: true,
      says: /The connection to deploy@127\.0\.0\.1:\d+ was lost[^\n]*; run the same command again\./,
    },
  ];

  for (const { title, by, undo, env, cut, says } of faults) {
    it(`${title}: one sentence, and nothing half-applied`, async () => {
      if (by !== undefined) await stack.sh(by);
      const more = await env?.();
      if (cut === true) stack.relay.cutAfter(100_000);
      const { code, text } = await stack.attempt(up, more);
      if (undo !== undefined) await stack.sh(undo);
      expect(code, text).not.to.equal(0);
      expect(text).to.match(says);
      expect(text).not.to.match(/^\s+at \S+ \(/m);
      const sentences = text.split("\n").filter((line) => says.test(line));
      expect(new Set(sentences.map((line) => says.exec(line)?.[0])).size).to.equal(1);
      expect(await stack.sh("cat /srv/data/large; ls -A /srv/data")).to.equal("old\nlarge");
      expect(await stack.sh("dpkg --audit; ls -A /var/lib/dpkg/updates")).to.equal("");
    });
  }

  it("works when it is repeated afterwards, and changes nothing the second time", async () => {
    await stack.pulumi(...up);
    expect(await stack.sh("wc -c </srv/data/large; command -v tree")).to.equal(
      "240000\n/usr/bin/tree",
    );
    expect(await stack.pulumi(...up, "--refresh", "--run-program")).not.to.match(
      /\d+ (created|updated|replaced|deleted)/,
    );
  });
});
