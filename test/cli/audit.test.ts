import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { expect } from "chai";

import { type Audit, describeAudit } from "../../cli/audit.ts";
import { openOutput } from "../../cli/output.ts";

const hive = join(import.meta.dirname, "..", "..", "cli", "hive.js");
const run = (...args: string[]) =>
  spawnSync(process.execPath, [hive, ...args], { encoding: "utf8" });

describe("hive audit", function () {
  this.timeout(30_000);

  const one = { open: false, addresses: ["127.0.0.1"], reached: [], containers: [] };
  const audit: Audit = {
    stack: "dev",
    ports: [
      { ...one, name: "core", port: 5000, state: "loopback" },
      { ...one, name: "nexus", port: 443, state: "open", open: true, addresses: ["0.0.0.0", "::"] },
      { ...one, name: "helm", port: 5004, state: "exposed", addresses: ["127.0.0.1", "::"] },
      { ...one, name: "postgres", port: 5433, state: "exposed", reached: ["192.0.2.7"] },
      { ...one, name: "keycloak", port: 8080, state: "not running", addresses: [] },
      {
        ...{ ...one, name: "codex", port: 5010, state: "not running", addresses: [] },
        containers: ["4711 python3"],
      },
    ],
    probe: { method: "bindings only", because: "only root can make another network to look from" },
    egress: {
      core: { networks: [], reason: undefined },
      codex: { networks: ["any"], reason: "mail" },
    },
    egressEnforced: true,
  };

  it("marks what is bound to localhost, exposed and not running, and says who may talk out", () => {
    expect(describeAudit(audit, openOutput())).to.deep.equal([
      "✓ core      5000  bound to localhost (127.0.0.1)",
      "✓ nexus     443   open to everybody, as declared (0.0.0.0, ::)",
      "✗ helm      5004  exposed: helm listens on [::]:5004, where other machines reach it: let it listen on 127.0.0.1.",
      "✗ postgres  5433  exposed: postgres (port 5433) answers from outside at 192.0.2.7:5433: something forwards it, such as a port that Docker publishes; take that away.",
      "○ keycloak  8080  not running",
      "○ codex     5010  not running; a container's process listens on that port in a network of its own (4711 python3)",
      "Bindings only, not tried from outside: only root can make another network to look from.",
      "Who may talk out:",
      "  core talks with nobody outside",
      "  codex may talk with anybody (mail)",
    ]);
  });

  it("and `hive audit log` have options of the same names, each its own", () => {
    for (const words of [["audit"], ["audit", "log"]]) {
      const { stdout, stderr, status } = run(...words, "--stack", "nowhere", "--json");
      expect(stdout, words.join(" ")).to.equal("");
      expect(status, words.join(" ")).to.equal(words.length === 1 ? 3 : 1);
      expect(stderr.trim().split("\n"), words.join(" ")).to.have.length(1);
    }
    // The child's own default, not what was said to its parent.
    expect(run("audit", "log", "--stack", "nowhere").stderr).to.contain(
      "Stack nowhere is not set up",
    );
    expect(run("audit", "--help").stdout).to.contain("--json").and.to.contain("log [options]");
    expect(run("audit", "log", "--help").stdout)
      .to.contain("--verify")
      .and.to.contain("--json");
  });
});
