import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { findTools, waitFor, Workspace } from "./workspace.ts";

const count = (text: string, part: string): number => text.split(part).length - 1;

/** The summary at the end; without a terminal the progress above it repeats first lines. */
const readDiagnostics = (output: string): string => output.slice(output.indexOf("Diagnostics:"));

describe("toolchain: the language host under the real CLI", function () {
  this.timeout(60_000);
  let workspace: Workspace;

  before(findTools);
  beforeEach(() => {
    workspace = new Workspace();
  });
  afterEach(() => {
    workspace.remove();
  });

  it("runs a program with its configuration and nodeargs, and returns its outputs", async () => {
    await workspace.init("program", ["name world", "password tulip-4711 --secret"]);
    const up = await workspace.run("program", "up", "--yes", "--skip-preview");
    expect(up.code, up.output).to.equal(0);
    const { output } = await workspace.run("program", "stack", "output", "--json");
    expect(JSON.parse(output)).to.deep.equal({
      greeting: "hello world",
      title: "two words",
      importedFirst: true,
      stack: "test",
      password: "[secret]",
      derived: "[secret]",
    });
    const again = await workspace.run("program", "preview", "--expect-no-changes");
    expect(again.code, again.output).to.equal(0);
  });

  it("shows no secret in logs, nor in the state", async () => {
    await workspace.init("program", ["name world", "password tulip-4711 --secret"]);
    const verbose = ["-v=9", "--logtostderr", "--logflow"];
    const up = await workspace.run("program", "up", "--yes", "--skip-preview", ...verbose);
    expect(up.code).to.equal(0);
    expect(count(up.output, "langhost[nodejs].Run"), "the log is verbose").to.be.above(0);
    // At this level the engine itself, the official one too, writes the values of properties.
    const ours = up.output
      .split("\n")
      .filter((line) => !line.includes("Unmarshaling property for"));
    expect(ours.join("\n")).not.to.contain("tulip-4711");
    const files = globSync("**", {
      cwd: workspace.directory,
      exclude: ["**/{node_modules,plugins}"],
    })
      .map((name) => join(workspace.directory, name))
      .filter((name) => statSync(name).isFile());
    expect(files.some((file) => file.endsWith("config_set.log"))).to.equal(true);
    for (const file of files) expect(readFileSync(file, "utf8"), file).not.to.contain("tulip-4711");
  });

  it("shows no secret at all one level below", async () => {
    await workspace.init("program", ["name world", "password tulip-4711 --secret"]);
    const { output } = await workspace.run(
      "program",
      "preview",
      "-v=8",
      "--logtostderr",
      "--logflow",
    );
    expect(count(output, "langhost[nodejs].Run"), "the log is verbose").to.be.above(0);
    expect(output).not.to.contain("tulip-4711");
  });

  it("reports a program's error once and fails", async () => {
    await workspace.init("failing");
    const { code, output } = await workspace.run("failing", "preview");
    expect(code, output).not.to.equal(0);
    expect(count(readDiagnostics(output), "the fixture gives up"), output).to.equal(1);
    expect(output).not.to.contain("exit code");
  });

  it("says one sentence when the program refuses the Node on PATH", async () => {
    await workspace.init("gated");
    const { code, output } = await workspace.run("gated", "preview");
    expect(code, output).not.to.equal(0);
    const sentence = "This program needs Node 99: run it with that.";
    expect(count(readDiagnostics(output), sentence), output).to.equal(1);
    expect(output).not.to.match(/exit code|unhandled|let it through/);
  });

  it("says so when the program has no @pulumi/pulumi", async () => {
    await workspace.init("failing");
    workspace.removePackages();
    const { code, output } = await workspace.run("failing", "preview");
    expect(code).not.to.equal(0);
    expect(output).to.contain("@pulumi/pulumi is not installed for");
    expect(output).to.contain("run npm ci there first");
  });

  it("refuses a runtime option it does not know", async () => {
    await workspace.init("failing");
    workspace.append("failing/Pulumi.yaml", "    bundler: fast\n");
    const { code, output } = await workspace.run("failing", "preview");
    expect(code).not.to.equal(0);
    expect(output).to.contain('runtime option bundler: "fast" is not supported');
  });

  it("runs a policy pack, whose violation stops the preview", async () => {
    await workspace.init("program", ["name world", "password x --secret"]);
    const { code, output } = await workspace.run("program", "preview", "--policy-pack=../policy");
    expect(code, output).not.to.equal(0);
    expect(output).to.contain("the fixture pack refuses this stack");
    await waitFor("every process has ended", () => workspace.findProcesses().length === 0);
  });

  it("runs a plugin that is given as source", async () => {
    await workspace.init("consumer");
    const up = await workspace.run("consumer", "up", "--yes", "--skip-preview");
    expect(up.code, up.output).to.equal(0);
    const { output } = await workspace.run("consumer", "stack", "output", "echoed");
    expect(output.trim()).to.equal("through the plugin");
    await waitFor("every process has ended", () => workspace.findProcesses().length === 0);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    it(`leaves no process behind after ${signal}`, async () => {
      await workspace.init("endless");
      const { child, ended } = workspace.start("endless", "preview");
      await waitFor("the program runs", () => existsSync(workspace.env["FIXTURE_STARTED"] ?? ""));
      expect(workspace.findProcesses().length).to.be.above(2);
      child.kill(signal);
      await ended;
      await waitFor("every process has ended", () => workspace.findProcesses().length === 0);
    });
  }
});
