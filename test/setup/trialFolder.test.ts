import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { configuredPortBase, readRecord, writeRecord } from "../../cli/record.js";
import { chooseRoot } from "../../setup/trialFolder.js";

describe("the trial's place", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trial-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is in the checkout for an ordinary user", () => {
    expect(chooseRoot("/c", "dev", { uid: 1000 })).to.deep.equal({ root: "/c/.hive/dev" });
  });

  it("is readable by the system user for root", () => {
    expect(chooseRoot("/c", "dev", { uid: 0, base: folder })).to.deep.equal({
      root: join(folder, "dev"),
      user: "hive",
    });
  });

  it("is another one beside a trial of another checkout", () => {
    mkdirSync(join(folder, "dev", "postgres"), { recursive: true });
    const { root } = chooseRoot("/c", "dev", { uid: 0, base: folder, portBase: 18_010 });
    expect(root).to.equal(join(folder, "dev-18010"));
  });

  it("is recorded once and added to", () => {
    expect(readRecord(folder, "dev")).to.equal(undefined);
    writeRecord(folder, "dev", { root: "/x" });
    writeRecord(folder, "dev", { portBase: 18_000 });
    expect(readRecord(folder, "dev")).to.deep.equal({ root: "/x", portBase: 18_000 });
  });

  it("names a record that is broken", () => {
    mkdirSync(join(folder, ".hive"));
    writeFileSync(join(folder, ".hive", "dev.json"), "{");
    expect(() => readRecord(folder, "dev")).to.throw(/dev\.json is not JSON; repair it/);
  });

  it("follows hivematrix:portBase of the stack's config", () => {
    expect(configuredPortBase(folder, "dev")).to.equal(undefined);
    writeFileSync(join(folder, "Pulumi.dev.yaml"), "config:\n  hivematrix:portBase: 20000\n");
    expect(configuredPortBase(folder, "dev")).to.equal(20_000);
    writeFileSync(join(folder, "Pulumi.dev.yaml"), 'config:\n  hivematrix:portBase: "20010"\n');
    expect(configuredPortBase(folder, "dev")).to.equal(20_010);
  });
});
