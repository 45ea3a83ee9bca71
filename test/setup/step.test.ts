import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Interrupted, startChild } from "../../setup/child.js";
import { installCommand } from "../../setup/debianPackages.js";
import { runStep, StepFailed } from "../../setup/step.js";
import { elapsed, openTerminal } from "../../setup/terminal.js";

describe("a step of set-up", () => {
  let checkout: string;
  let shown: string;
  const stream = {
    write(text: string): boolean {
      shown += text;
      return true;
    },
  };

  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), "step-"));
    shown = "";
  });

  afterEach(() => {
    rmSync(checkout, { recursive: true });
  });

  function run(script: string, output: Parameters<typeof openTerminal>[0] = stream) {
    return runStep(checkout, openTerminal(output, {}), {
      title: "Packages",
      command: "sh",
      args: ["-c", script],
      log: "x.log",
      advice: "Try again.",
    });
  }

  it("has a line at its start and one at its end where nobody looks", async () => {
    await run("echo hidden");
    expect(shown).to.match(/^ {2}Packages …\n✓ Packages 0:0\d\n$/);
    const log = join(checkout, ".hive", "logs", "x.log");
    expect(readFileSync(log, "utf8")).to.equal("hidden\n");
    expect(statSync(log).mode & 0o777).to.equal(0o600);
  });

  it("rewrites one line on a terminal, in colour", async () => {
    await run("true", { ...stream, isTTY: true, columns: 80 });
    expect(shown).to.contain("\r\u001b[K").and.to.contain("\u001b[32m✓\u001b[0m");
  });

  it("says what failed, why, where the log is and what to do", async () => {
    const fault = await run("echo broken; exit 7").catch((error: unknown) => error);
    expect(fault).to.be.instanceOf(StepFailed);
    expect((fault as Error).message).to.equal(
      `Packages failed (exit code 7).\n  | broken\n  Full log: ${checkout}/.hive/logs/x.log\n  Try again.`,
    );
    expect(shown).to.contain("✗ Packages");
  });

  it("hands an interruption on to the child, once", async () => {
    const script =
      'let n = 0; process.on("SIGINT", () => { n += 1; setTimeout(() => process.exit(n), 300); }); console.log("ready"); setInterval(() => {}, 1000);';
    const { child, ended } = startChild(process.execPath, ["-e", script], {
      stdio: ["ignore", "pipe", "ignore"],
      interactive: false,
    });
    const code = new Promise((resolve) => child.once("exit", resolve));
    child.stdout?.once("data", () => {
      process.emit("SIGINT", "SIGINT");
      process.emit("SIGINT", "SIGINT");
    });
    const fault = await ended.catch((error: unknown) => error);
    expect(fault).to.be.instanceOf(Interrupted);
    expect((fault as Interrupted).exitCode).to.equal(130);
    expect(await code).to.equal(1);
  });

  it("tells times as minutes and seconds", () => {
    expect([400, 7000, 130_000].map(elapsed)).to.deep.equal(["0:00", "0:07", "2:10"]);
  });

  it("installs Debian packages without what they recommend, and no second PostgreSQL cluster", () => {
    const root = installCommand(["postgresql", "runit"], "root");
    expect(root.slice(0, 2)).to.deep.equal(["sh", "-ec"]);
    expect(root[2]).to.contain("--no-install-recommends").and.to.contain("create_main_cluster");
    expect(root.slice(-2)).to.deep.equal(["postgresql", "runit"]);
    const sudo = installCommand(["runit"], "sudo");
    expect(sudo.slice(0, 3)).to.deep.equal(["sudo", "-n", "sh"]);
    expect(sudo.join(" ")).not.to.contain("create_main_cluster");
  });
});
