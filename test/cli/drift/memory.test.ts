import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Memory } from "../../../cli/drift/memory.ts";

const [then, now] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];

describe("the memory of drift", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hive-drift-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("keeps when each was first seen, forgets what was repaired, keeps what was not looked at", () => {
    new Memory(folder, "dev").write({ a: then, b: then, c: then }, () => false);
    const memory = new Memory(folder, "dev");
    expect(memory.firstSeen("a", now)).to.equal(then);
    expect(memory.firstSeen("d", now)).to.equal(now);
    memory.write({ a: then, d: now }, (key) => key === "c");
    expect(JSON.parse(readFileSync(join(folder, ".hive", "dev.drift.json"), "utf8"))).to.deep.equal(
      { a: then, c: then, d: now },
    );
    expect(statSync(join(folder, ".hive", "dev.drift.json")).mode & 0o777).to.equal(0o600);
  });

  it("writes nothing as long as there is nothing, and starts anew from a broken file", () => {
    new Memory(folder, "dev").write({}, () => false);
    expect(() => statSync(join(folder, ".hive"))).to.throw(/ENOENT/);
    new Memory(folder, "dev").write({ a: then }, () => false);
    writeFileSync(join(folder, ".hive", "dev.drift.json"), "{");
    expect(new Memory(folder, "dev").firstSeen("a", now)).to.equal(now);
  });
});
