import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { findFreeRun } from "../../setup/listeners.js";

const checkout = dirname(dirname(import.meta.dirname));

/** Set-up as a newcomer starts it, in a copy without a toolchain. */
describe("npm run", function () {
  this.timeout(30_000);
  let copy: string;
  let server: Server | undefined;

  before(() => {
    copy = mkdtempSync(join(tmpdir(), "setup-"));
    for (const path of ["setup", "cli", "ports.js", "package.json", "package-lock.json"]) {
      cpSync(join(checkout, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  });

  afterEach(() => {
    server?.close();
  });

  after(() => {
    rmSync(copy, { recursive: true });
  });

  function run(...args: string[]) {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(PULUMI_|npm_)/.test(name)),
    );
    return spawnSync(process.execPath, [join(copy, "setup", "main.js"), ...args], {
      encoding: "utf8",
      env,
    });
  }

  it("explains itself", () => {
    const { status, stdout } = run("up", "--help");
    expect(status).to.equal(0);
    expect(stdout).to.match(/^Usage: npm run up\|preview\|down/);
  });

  it("answers a typing error with exit code 2", () => {
    const { status, stderr } = run("upp");
    expect(status).to.equal(2);
    expect(stderr).to.contain("Expected one of up, preview, down, dev, test, found “upp”.");
  });

  it("has nothing to take down before an up", () => {
    const { status, stdout } = run("down");
    expect(status).to.equal(0);
    expect(stdout).to.equal("Nothing is provisioned from this checkout.\n");
  });

  it("develops only on a trial that is there", () => {
    const { status, stderr, stdout } = run("dev");
    expect(status).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.equal("Stack dev is not set up in this checkout: run `npm run up`.\n");
    expect(existsSync(join(copy, ".hive"))).to.equal(false);
  });

  it("stops at a busy port before anything is changed", async () => {
    const base = await findFreeRun({ from: 27_000 });
    await new Promise<void>((resolve) => {
      server = createServer().listen(base + 5, "127.0.0.1", resolve);
    });
    writeFileSync(join(copy, "Pulumi.dev.yaml"), `config:\n  hivematrix:portBase: ${base}\n`);
    const { status, stderr, stdout } = run("up");
    expect(status).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.contain(`Port ${base + 5} (postgres) is held by`);
    expect(existsSync(join(copy, ".hive"))).to.equal(false);
  });
});
