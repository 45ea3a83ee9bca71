import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, secret } from "../support/hostPlugin.ts";
import { eventually, processesIn } from "./running.ts";
import { programLine, WebService } from "./webService.ts";

describe("Service, when an update fails", function () {
  this.timeout(90_000);
  this.slow(4000);
  let plugin: HostPlugin;
  let web: WebService;

  before(async function () {
    if (!existsSync("/usr/bin/runsvdir")) this.skip();
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());
  beforeEach(async () => {
    web = await WebService.prepare(() => plugin);
  });
  afterEach(() => web.clear());

  it("runs the former definition again, says the new one's last lines, and keeps the state", async () => {
    const old = await web.start({ GREETING: "one" });
    const wanted = await web.declare({ GREETING: "two", FAULT: secret("hidden-fault") });
    const { message, state, code } = await web.failedUpdate(old, wanted);
    expect(message).to.match(/^web did not become ready \(it ended 4 times/);
    expect(message).to.match(/fault: \[secret\]\nThe former one is back and ready\.$/);
    expect(state).to.equal(undefined);
    expect(code).to.equal(9);
    expect((await web.answer()).greeting).to.equal("one");
    expect(existsSync(join(web.state, "env", "FAULT"))).to.equal(false);
    // A refresh finds what the state says, and the next up tries again.
    expect(await web.read(old)).to.deep.equal(old);
    expect((await plugin.diff("Service", old, wanted)).changes).to.equal(true);
    const repaired = await web.declare({ GREETING: "two" });
    const after = await web.update(old, repaired);
    expect((await web.answer()).greeting).to.equal("two");
    expect(await web.read(after)).to.deep.equal(after);
  });

  it("goes back also from checks that do not pass", async () => {
    const old = await web.start({ GREETING: "one" });
    await web.declare({ GREETING: "one" }, { ready: [{ tcp: { port: 1 } }], readyTimeout: 2 });
    const { message, state } = await web.failedUpdate(old, web.inputs);
    expect(message).to.match(/port 1: .*ECONNREFUSED[^]*The former one is back and ready\.$/);
    expect(state).to.equal(undefined);
    expect(await web.read(old)).to.deep.equal(old);
  });

  it("brings one back that was stopped meanwhile", async () => {
    const old = await web.start({ GREETING: "one" });
    execFileSync("sv", ["-w", "10", "down", web.state], { stdio: "ignore" });
    const found = await web.read(old);
    const wanted = await web.declare({ GREETING: "two", FAULT: "no" });
    await web.failedUpdate(found ?? {}, wanted);
    expect((await web.answer()).greeting).to.equal("one");
  });

  it("compares with the former one from then on when that does not come back either", async () => {
    const file = join(web.folder, "needed");
    await writeFile(file, "");
    const script = `test -e ${file} || exit 3; exec "${process.execPath}" -e "$PROGRAM"`;
    const command = ["/bin/sh", "-c", script];
    const env = { PROGRAM: programLine };
    const more = { command, readyTimeout: 3 };
    const old = await web.start({ ...env, GREETING: "one" }, more);
    await rm(file);
    const wanted = await web.declare({ ...env, GREETING: "two" }, more);
    const { message, state } = await web.failedUpdate(old, wanted);
    expect(message).to.match(/The former one is not back: web did not become ready/);
    expect(state?.properties).to.deep.equal({ ...old, running: false });
    expect(await web.read(state?.properties ?? {})).to.include({ running: false });
    expect((await plugin.diff("Service", state?.properties ?? {}, wanted)).detailed).to.deep.equal({
      "env.GREETING": "update",
      running: "update",
    });
    await writeFile(file, "");
    await web.update(state?.properties ?? {}, wanted);
    expect((await web.answer()).greeting).to.equal("two");
  });

  it("remembers the former one through an interruption", async () => {
    const old = await web.start({ GREETING: "one" });
    const slow = await web.declare({ GREETING: "two", DELAY: "60000" });
    const work = web.failedUpdate(old, slow);
    await eventually(
      () => readFile(join(web.state, "env", "DELAY"), "utf8").catch(() => ""),
      (text) => text !== "",
    );
    await eventually(
      () => processesIn(web.folder).length,
      (count) => count > 2,
    );
    await plugin.cancel();
    const { message, state } = await work;
    expect(message).to.match(/^Interrupted/);
    expect(state?.properties).to.deep.equal({ ...old, running: false });
    const broken = await web.declare({ GREETING: "three", FAULT: "no" });
    const second = await web.failedUpdate(state?.properties ?? {}, broken);
    expect(second.message).to.match(/The former one is back and ready\.$/);
    expect((await web.answer()).greeting).to.equal("one");
  });

  it("has nothing to go back to before it was ready once", async () => {
    await plugin.create("Supervisor", web.supervisor);
    const first = await web.declare({ GREETING: "one", FAULT: "first" });
    const made: unknown = await plugin.create("Service", first).catch((fault: unknown) => fault);
    expect(made).to.have.nested.property("state.properties.running", false);
    const second = await web.declare({ GREETING: "two", FAULT: "second" });
    const { message, state } = await web.failedUpdate({ ...first, running: false }, second);
    expect(message).to.match(/fault: second$/);
    expect(state?.properties).to.deep.equal({ ...second, running: false });
  });
});
