import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { nodeBinaryWorks, npmPackagesComplete } from "../../setup/npmPackages.js";

describe("npm packages", () => {
  let checkout: string;

  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), "npm-"));
    mkdirSync(join(checkout, "node_modules"));
    write("package-lock.json", {
      "": { version: "1.0.0" },
      "node_modules/a": { version: "1.2.3" },
      "node_modules/b": { version: "1.0.0", optional: true },
      "node_modules/c": { link: true },
    });
  });

  afterEach(() => {
    rmSync(checkout, { recursive: true });
  });

  function write(path: string, packages: object): void {
    writeFileSync(join(checkout, path), JSON.stringify({ packages }));
  }

  it("are missing without npm's own record, as after an interrupted install", () => {
    expect(npmPackagesComplete(checkout)).to.equal(false);
  });

  it("are complete when every package has its version; optional ones may be absent", () => {
    write("node_modules/.package-lock.json", { "node_modules/a": { version: "1.2.3" } });
    expect(npmPackagesComplete(checkout)).to.equal(true);
  });

  it("are stale when one has another version", () => {
    write("node_modules/.package-lock.json", { "node_modules/a": { version: "1.2.2" } });
    expect(npmPackagesComplete(checkout)).to.equal(false);
  });

  it("need the binary that the package node places by its install script", () => {
    expect(nodeBinaryWorks(checkout)).to.equal(false);
  });
});
