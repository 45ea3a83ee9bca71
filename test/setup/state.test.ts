import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { findBackend, liesInside } from "../../cli/backend.ts";
import { checkLock } from "../../setup/stack.ts";
import { copyConfig, removeSalt } from "../../setup/stackConfig.ts";
import { checkRealStack, openState } from "../../setup/state.ts";

describe("state", () => {
  let checkout: string;
  let home: string;

  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), "state-"));
    home = join(checkout, "home");
    mkdirSync(home);
  });

  afterEach(() => {
    rmSync(checkout, { recursive: true });
  });

  const logIn = () => {
    writeFileSync(join(home, "credentials.json"), JSON.stringify({ current: "https://x" }));
  };

  describe("backend", () => {
    it("is the trial's own when nobody said otherwise", () => {
      const backend = findBackend(checkout, true, { PULUMI_HOME: home });
      expect(backend).to.deep.include({ kind: "trial", url: `file://${checkout}/.hive/state` });
    });

    it("is PULUMI_BACKEND_URL first", () => {
      logIn();
      const environment = { PULUMI_HOME: home, PULUMI_BACKEND_URL: "s3://bucket" };
      expect(findBackend(checkout, true, environment)).to.deep.include({ kind: "url" });
    });

    it("is the user's login next", () => {
      logIn();
      const backend = findBackend(checkout, true, { PULUMI_HOME: home });
      expect(backend).to.deep.equal({
        kind: "login",
        url: "https://x",
        env: { PULUMI_CREDENTIALS_PATH: home },
      });
    });

    it("stays the trial's own once begun, also in the environment of `hive env`", () => {
      mkdirSync(join(checkout, ".hive", "state"), { recursive: true });
      logIn();
      expect(findBackend(checkout, true, { PULUMI_HOME: home }).kind).to.equal("trial");
      const environment = { PULUMI_BACKEND_URL: `file://${checkout}/.hive/state` };
      expect(findBackend(checkout, true, environment).kind).to.equal("trial");
    });

    it("is never the trial's for another stack", () => {
      expect(findBackend(checkout, false, { PULUMI_HOME: home }).kind).to.equal("none");
    });
  });

  it("makes folder and passphrase once, for their owner only", () => {
    const before = process.env["PULUMI_CREDENTIALS_PATH"];
    process.env["PULUMI_CREDENTIALS_PATH"] = home;
    try {
      openState(checkout, "dev", true);
      const first = readFileSync(join(checkout, ".hive", "passphrase"), "utf8");
      const { env } = openState(checkout, "dev", true);
      expect(readFileSync(join(checkout, ".hive", "passphrase"), "utf8")).to.equal(first);
      expect(first.trim()).to.have.length(43);
      expect(statSync(join(checkout, ".hive")).mode & 0o777).to.equal(0o700);
      expect(statSync(join(checkout, ".hive", "passphrase")).mode & 0o777).to.equal(0o600);
      expect(env["PULUMI_CONFIG_PASSPHRASE_FILE"]).to.equal(join(checkout, ".hive", "passphrase"));
    } finally {
      if (before === undefined) delete process.env["PULUMI_CREDENTIALS_PATH"];
      else process.env["PULUMI_CREDENTIALS_PATH"] = before;
    }
  });

  describe("of a real host", () => {
    const backend = (url: string) => ({ kind: "url" as const, url, env: {} });

    it("needs a place", () => {
      const none = { kind: "none" as const, url: "", env: {} };
      expect(checkRealStack(checkout, "prod", none)).to.match(
        /^Stack prod has no place for its state: `pulumi login/,
      );
    });

    it("may not lie inside the checkout", () => {
      const url = `file://${checkout}/states`;
      expect(liesInside(url, checkout)).to.equal(true);
      expect(checkRealStack(checkout, "prod", backend(url))).to.contain("inside the checkout");
      expect(liesInside(`file://${checkout}-other`, checkout)).to.equal(false);
      expect(liesInside("s3://bucket", checkout)).to.equal(false);
    });

    it("needs a named secrets provider, with the commands that name one", () => {
      const refusal = checkRealStack(checkout, "prod", backend("s3://bucket"));
      expect(refusal)
        .to.contain("pulumi stack init prod --secrets-provider passphrase")
        .and.to.contain("pulumi stack change-secrets-provider passphrase --stack prod");
      for (const line of ["secretsprovider: awskms://x", "encryptionsalt: v1:x"]) {
        writeFileSync(join(checkout, "Pulumi.prod.yaml"), `${line}\nconfig: {}\n`);
        expect(checkRealStack(checkout, "prod", backend("s3://bucket"))).to.equal(undefined);
      }
    });

    it("is fine with Pulumi Cloud", () => {
      expect(checkRealStack(checkout, "prod", backend("https://x"))).to.equal(undefined);
    });
  });

  describe("lock", () => {
    const lock = { pid: 2 ** 22 + 1, hostname: hostname(), timestamp: "t" };

    it("of a process that is gone may be released", () => {
      expect(checkLock(lock)).to.equal(undefined);
      expect(checkLock({ ...lock, pid: process.pid })).to.equal(undefined);
    });

    it("from another machine may not", () => {
      expect(checkLock({ ...lock, hostname: "other" })).to.contain("on other since t");
    });
  });

  describe("config of the trial", () => {
    const path = () => join(checkout, "Pulumi.dev.yaml");
    const text = "config:\n  a:b: c\n";

    it("is handed over as a copy", () => {
      mkdirSync(join(checkout, ".hive"));
      writeFileSync(path(), text);
      const copy = copyConfig(checkout, "dev");
      expect(copy).to.equal(join(checkout, ".hive", "Pulumi.dev.yaml"));
      expect(readFileSync(copy, "utf8")).to.equal(text);
    });

    it("loses a salt that Pulumi wrote, but not one that secrets need", () => {
      writeFileSync(path(), `${text}encryptionsalt: v1:x\n`);
      removeSalt(checkout, "dev");
      expect(readFileSync(path(), "utf8")).to.equal(text);
      const secret = "config:\n  a:b:\n    secure: x\nencryptionsalt: v1:x\n";
      writeFileSync(path(), secret);
      removeSalt(checkout, "dev");
      expect(readFileSync(path(), "utf8")).to.equal(secret);
    });
  });
});
