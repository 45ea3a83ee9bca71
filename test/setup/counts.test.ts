import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { addCounts, describeCounts, parseCounts } from "../../setup/counts.ts";

const checkout = dirname(dirname(import.meta.dirname));

describe("counts of tests", () => {
  it("are one line at the end", () => {
    const one = { passed: 3, failed: 0, skipped: 0 };
    expect(describeCounts(one)).to.equal("3 passed, 0 failed");
    expect(describeCounts(addCounts([one, { passed: 1, failed: 2, skipped: 4 }]))).to.equal(
      "4 passed, 2 failed, 4 skipped",
    );
  });

  it("have a failure when a run ended badly without a failed test", () => {
    expect(parseCounts(undefined, 1)).to.deep.equal({ passed: 0, failed: 1, skipped: 0 });
    expect(parseCounts('{"passed":2,"failed":0,"skipped":0}', 1).failed).to.equal(1);
    expect(parseCounts('{"passed":2,"failed":0,"skipped":0}', 0).failed).to.equal(0);
  });

  it("come from mocha through our reporter", function () {
    this.timeout(30_000);
    const folder = mkdtempSync(join(tmpdir(), "reporter-"));
    try {
      const file = join(folder, "x.test.cjs");
      writeFileSync(
        file,
        'describe("d", () => { it("a", () => {}); it("b"); it("c", () => { throw new Error("no"); }); });',
      );
      const { stdout, status } = spawnSync(
        process.execPath,
        [
          join(checkout, "node_modules", "mocha", "bin", "mocha.js"),
          "--no-config",
          ...["--reporter", join(checkout, "test", "support", "reporter.js")],
          ...["--reporter-option", `counts=${join(folder, "counts.json")}`],
          file,
        ],
        { encoding: "utf8" },
      );
      expect(status).to.equal(1);
      expect(stdout).to.contain("Error: no").and.not.to.contain("1 passing");
      expect(parseCounts(readFileSync(join(folder, "counts.json"), "utf8"), 1)).to.deep.equal({
        passed: 1,
        failed: 1,
        skipped: 1,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
