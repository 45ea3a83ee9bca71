import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ports } from "../../ports.js";
import { findFreeRun } from "../../setup/listeners.js";
import { type Machine, parseSystem } from "../../setup/machine.js";
import {
  checkDisk,
  checkPorts,
  checkPrivilege,
  checkSystem,
  checkTrial,
} from "../../setup/preflight.js";

const machine: Machine = {
  platform: "linux",
  system: { id: "debian", like: "", version: "12", name: "Debian GNU/Linux 12 (bookworm)" },
  apt: true,
  uid: 1000,
  privilege: "none",
  writable: true,
  freeMegabytes: 20_000,
};

describe("preflight", () => {
  describe("system", () => {
    it("accepts Debian 12 and 13 without a word", () => {
      for (const version of ["12", "13"]) {
        const found = checkSystem({ ...machine, system: { ...machine.system, version } });
        expect(found).to.deep.equal({ refusals: [], warnings: [] });
      }
    });

    it("warns of what is untested", () => {
      const system = parseSystem(
        'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
      );
      expect(checkSystem({ ...machine, system }).warnings).to.deep.equal([
        "Ubuntu 24.04.1 LTS is untested; Debian 12 and 13 are tested.",
      ]);
    });

    it("refuses what has no apt-get", () => {
      const system = parseSystem('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n');
      expect(checkSystem({ ...machine, apt: false, system }).refusals[0]).to.match(
        /^This is Fedora Linux 42; the trial runs on Debian and Ubuntu/,
      );
      expect(checkSystem({ ...machine, platform: "darwin" }).refusals[0]).to.match(
        /^This is darwin;/,
      );
    });
  });

  describe("privilege", () => {
    const packages = ["postgresql", "runit"];

    it("names the exact command when nobody may install", () => {
      expect(checkPrivilege(machine, packages, { listsMissing: false })).to.deep.equal([
        "Debian packages are missing and you are not root (sudo asks for a password): " +
          "run `sudo apt-get install -y --no-install-recommends postgresql runit`, then this command again.",
      ]);
      expect(checkPrivilege(machine, packages, { listsMissing: true })[0]).to.contain(
        "`sudo apt-get update && sudo apt-get install",
      );
    });

    it("has nothing to say to root, to sudo or when all is there", () => {
      const lists = { listsMissing: false };
      expect(checkPrivilege({ ...machine, privilege: "root" }, packages, lists)).to.deep.equal([]);
      expect(checkPrivilege({ ...machine, privilege: "sudo" }, packages, lists)).to.deep.equal([]);
      expect(checkPrivilege(machine, [], lists)).to.deep.equal([]);
    });
  });

  it("refuses a full disk only when there is something to install", () => {
    const full = { ...machine, freeMegabytes: 100 };
    expect(checkDisk(full, "/c", true)).to.deep.equal([
      "Only 100 MB of disk are free and 3000 MB are needed: make room, then run this command again.",
    ]);
    expect(checkDisk(full, "/c", false)).to.deep.equal([]);
  });

  it("refuses a checkout that may not be written", () => {
    expect(checkDisk({ ...machine, writable: false }, "/c", false)).to.deep.equal([
      "/c may not be written by you: clone into a folder of your own.",
    ]);
  });

  describe("trial", () => {
    let checkout: string;

    beforeEach(() => {
      checkout = mkdtempSync(join(tmpdir(), "preflight-"));
    });

    afterEach(() => {
      rmSync(checkout, { recursive: true });
    });

    const trial = () => ({
      checkout,
      uid: 1000,
      owner: undefined,
      record: undefined,
      root: join(checkout, ".hive", "dev"),
    });

    it("names who made it", () => {
      expect(checkTrial({ ...trial(), owner: 0 })).to.deep.equal([
        "The trial of this checkout was made by root (uid 0): run this command with sudo.",
      ]);
    });

    it("refuses a state without its passphrase", () => {
      mkdirSync(join(checkout, ".hive", "state"), { recursive: true });
      const [refusal, ...more] = checkTrial({ ...trial(), owner: 1000 });
      expect(more).to.deep.equal([]);
      expect(refusal).to.match(/\.hive\/passphrase is missing, and without it the state/);
      writeFileSync(join(checkout, ".hive", "passphrase"), "x");
      expect(checkTrial({ ...trial(), owner: 1000 })).to.deep.equal([]);
    });
  });

  describe("ports", () => {
    let server: Server | undefined;

    afterEach(() => {
      server?.close();
    });

    async function occupy(name: keyof ReturnType<typeof ports>): Promise<number> {
      const base = await findFreeRun({ from: 24_000 });
      await new Promise<void>((resolve) => {
        server = createServer().listen(ports(base)[name], "127.0.0.1", resolve);
      });
      return base;
    }

    it("names port, holder and the way out, in one sentence", async () => {
      const base = await occupy("keycloak");
      const [refusal, ...more] = checkPorts({ portBase: base, root: undefined });
      expect(more).to.deep.equal([]);
      expect(refusal).to.match(
        new RegExp(
          `^Port ${base + 3} \\(keycloak\\) is held by \\S+ \\(pid ${process.pid}\\): ` +
            "`npm run up -- --beside` takes free ports instead\\.$",
        ),
      );
    });

    it("does not mind our own trial", async () => {
      const base = await occupy("postgres");
      expect(checkPorts({ portBase: base, root: process.cwd() })).to.deep.equal([]);
    });

    it("is silent when all are free", async () => {
      const base = await findFreeRun({ from: 25_000 });
      expect(checkPorts({ portBase: base, root: undefined })).to.deep.equal([]);
    });
  });
});
