import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, secret } from "../support/hostPlugin.ts";
import { eventually, isAlive, processesIn } from "./running.ts";
import { programLine, WebService } from "./webService.ts";

const handover = { handover: true };

describe("Service with handover", function () {
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

  /** The number of the candidate, once it has begun. */
  const candidateBegun = async () => {
    const record = join(web.candidate, "process");
    await eventually(() => existsSync(record), Boolean);
    return Number((await readFile(record, "utf8")).split(" ")[0]);
  };

  it("loses no request in an update, and one process is left, under the supervisor", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const former = await web.answer();
    const wanted = await web.declare({ GREETING: "two" }, handover);
    const asked = await web.whileAsking(web.update(old, wanted));
    expect(asked.faults, `of ${String(asked.count)}`).to.deep.equal([]);
    expect(asked.count).to.be.above(50);
    expect(asked.greetings).to.have.members(["one", "two"]);
    const { greeting, pid } = await web.answer();
    expect(greeting).to.equal("two");
    expect(isAlive(former.pid)).to.equal(false);
    expect(web.programs()).to.deep.equal([pid]);
    expect(execFileSync("sv", ["status", web.state], { encoding: "utf8" })).to.include(
      `(pid ${String(pid)})`,
    );
    expect(await readdir(web.state)).not.to.include.members(["candidate"]);
    expect(await readdir(web.state)).not.to.include.members(["candidate.log"]);
    expect(asked.result).to.deep.equal({ ...wanted, running: true });
    expect(await web.read(asked.result)).to.deep.equal(asked.result);
  });

  it("keeps secrets out of the candidate's argv, log mode and folder, and out of the links", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const wanted = await web.declare(
      { GREETING: "two", DELAY: "1500", KEY: secret("hidden-value") },
      handover,
    );
    const work = web.update(old, wanted);
    const pid = await candidateBegun();
    const file = join(web.candidate, "env", "KEY");
    expect((await stat(join(web.candidate, "env"))).mode & 0o777).to.equal(0o700);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readFile(file, "utf8")).to.equal("hidden-value\n");
    expect((await stat(join(web.state, "candidate.log"))).mode & 0o777).to.equal(0o600);
    for (const name of ["run", "stop", "process"]) {
      expect(await readFile(join(web.candidate, name), "utf8")).not.to.include("hidden-value");
    }
    const running = processesIn(web.folder);
    expect(running.map((one) => one.pid)).to.include(pid);
    expect(running.filter(({ argv }) => argv.includes("hidden-value"))).to.deep.equal([]);
    const links = await readdir(join(web.folder, "service"));
    expect(links.filter((name) => !name.startsWith("."))).to.deep.equal(["web"]);
    const session = (await readFile(`/proc/${String(pid)}/stat`, "utf8")).split(") ")[1];
    expect(session?.split(" ")[3]).to.equal(String(pid));
    await work;
    expect(isAlive(pid)).to.equal(false);
  });

  it("does not touch the former process when the new program ends, and says its last lines", async () => {
    const old = await web.start({ GREETING: "one", KEY: secret("hidden-value") }, handover);
    const before = await web.answer();
    const run = await readFile(join(web.state, "run"), "utf8");
    const wanted = await web.declare({ GREETING: "two", FAULT: secret("hidden-fault") }, handover);
    const asked = await web.whileAsking(web.failedUpdate(old, wanted));
    expect(asked.faults).to.deep.equal([]);
    expect(asked.greetings).to.deep.equal(["one"]);
    expect(asked.result.message).to.equal(
      `web did not become ready (it ended). The end of ${web.state}/candidate.log:\nthis is two\nfault: [secret]`,
    );
    // Without a state of its own in the failure the engine keeps the former one.
    expect(asked.result.state).to.equal(undefined);
    expect(asked.result.code).to.equal(9);
    expect(await web.answer()).to.deep.equal(before);
    expect(web.programs()).to.deep.equal([before.pid]);
    expect(await readFile(join(web.state, "run"), "utf8")).to.equal(run);
    expect(existsSync(web.candidate)).to.equal(false);
    expect(await web.read(old)).to.deep.equal(old);
    expect((await plugin.diff("Service", old, wanted)).changes).to.equal(true);
  });

  it("ends a candidate that is not ready in time, or whose word is not its own", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const before = await web.answer();
    for (const env of [{ DELAY: "60000" }, { SAYS: "1" }]) {
      const wanted = await web.declare(
        { GREETING: "two", ...env },
        { ...handover, readyTimeout: 2 },
      );
      const { message, state } = await web.failedUpdate(old, wanted);
      expect(message).to.match(
        /^web did not become ready \(not within 2 s; it did not write its number to READY_FILE\)/,
      );
      expect(message).to.match(/this is two$/);
      expect(state).to.equal(undefined);
      expect(await web.answer()).to.deep.equal(before);
      expect(web.programs()).to.deep.equal([before.pid]);
    }
  });

  it("goes back when the supervised process does not follow its candidate", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const script = `case $READY_FILE in */candidate/*) exec "$NODE" -e "$PROGRAM";; esac; echo no room; exit 3`;
    const wanted = await web.declare(
      { GREETING: "two", NODE: process.execPath, PROGRAM: programLine },
      { ...handover, command: ["/bin/sh", "-c", script] },
    );
    const asked = await web.whileAsking(web.failedUpdate(old, wanted));
    expect(asked.faults).to.deep.equal([]);
    expect(asked.greetings).to.have.members(["one", "two"]);
    expect(asked.result.message).to.match(/^web did not become ready \(it ended 4 times/);
    expect(asked.result.message).to.match(/no room\nThe former one is back and ready\.$/);
    expect(asked.result.state).to.equal(undefined);
    const { greeting, pid } = await web.answer();
    expect(greeting).to.equal("one");
    expect(web.programs()).to.deep.equal([pid]);
    expect(await web.read(old)).to.deep.equal(old);
  });

  it("finishes what a killed up began, and ends its candidate", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const before = await web.answer();
    const wanted = await web.declare({ GREETING: "two", DELAY: "1500" }, handover);
    const work = web.failedUpdate(old, wanted);
    const left = await candidateBegun();
    process.kill(plugin.pid, "SIGKILL");
    await work;
    plugin = await HostPlugin.start();
    expect(isAlive(left)).to.equal(true);
    expect(await web.answer()).to.deep.equal(before);
    expect(await web.read(old)).to.include({ running: false });
    const after = await web.update(old, wanted);
    expect(isAlive(left)).to.equal(false);
    const { greeting, pid } = await web.answer();
    expect(greeting).to.equal("two");
    expect(web.programs()).to.deep.equal([pid]);
    expect(await web.read(after)).to.deep.equal(after);
  });

  it("ends the candidate of a killed up also when the program went back, without a restart", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const before = await web.answer();
    const wanted = await web.declare({ GREETING: "two", DELAY: "300" }, handover);
    const work = web.failedUpdate(old, wanted);
    const left = await candidateBegun();
    process.kill(plugin.pid, "SIGKILL");
    await work;
    plugin = await HostPlugin.start();
    const found = await web.read(old);
    expect(found).to.include({ running: false });
    web.inputs = old;
    await web.update(found ?? {}, old);
    expect(isAlive(left)).to.equal(false);
    expect(await web.answer()).to.deep.equal(before);
    expect(await web.read(old)).to.deep.equal(old);
  });

  it("is deleted with the candidate of a killed up", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const wanted = await web.declare({ GREETING: "two", DELAY: "60000" }, handover);
    const work = web.failedUpdate(old, wanted);
    const left = await candidateBegun();
    process.kill(plugin.pid, "SIGKILL");
    await work;
    plugin = await HostPlugin.start();
    await plugin.delete("Service", "web", old);
    expect(isAlive(left)).to.equal(false);
    expect(existsSync(web.state)).to.equal(false);
  });

  it("ends the candidate at a cancel and leaves the former process alone", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const before = await web.answer();
    const wanted = await web.declare({ GREETING: "two", DELAY: "60000" }, handover);
    const work = web.failedUpdate(old, wanted);
    await candidateBegun();
    await plugin.cancel();
    const error = await work;
    expect(error.message).to.match(/^Interrupted/);
    expect(error.state).to.equal(undefined);
    expect(web.programs()).to.deep.equal([before.pid]);
    expect(await web.read(old)).to.deep.equal(old);
  });

  it("is not ready before the supervised process says so itself", async () => {
    const wanted = { GREETING: "one", SAYS: "1" };
    const old = await web.start({ GREETING: "one" }, handover);
    expect(await readFile(join(web.state, "proof", "pid"), "utf8")).to.equal(
      `${String((await web.answer()).pid)}\n`,
    );
    await writeFile(join(web.state, "proof", "pid"), "1\n");
    expect(await web.read(old)).to.include({ running: false });
    await plugin.delete("Service", "web", old);
    const inputs = await web.declare(wanted, { ...handover, readyTimeout: 3 });
    const error: unknown = await plugin.create("Service", inputs).catch((fault: unknown) => fault);
    expect(error)
      .to.have.property("message")
      .that.matches(/^web did not become ready \(not within 3 s; it did not write/);
  });

  it("restarts in place when the user changes: the port is not shared with another", async function () {
    // In a checkout that is closed to others nobody can run its Node.
    const { status } = spawnSync(process.execPath, ["--version"], { uid: 65534, gid: 65534 });
    if (process.getuid?.() !== 0 || status !== 0) this.skip();
    const old = await web.start({ GREETING: "one" }, { ...handover, user: "nobody" });
    expect((await stat(join(web.state, "proof"))).uid).to.equal(65534);
    const two = await web.declare({ GREETING: "two" }, { ...handover, user: "nobody" });
    const asked = await web.whileAsking(web.update(old, two));
    expect(asked.faults).to.deep.equal([]);
    expect(asked.greetings).to.have.members(["one", "two"]);
    const three = await web.declare({ GREETING: "three" }, handover);
    const after = await web.update(asked.result, three);
    expect((await web.answer()).greeting).to.equal("three");
    expect(await web.read(after)).to.deep.equal(after);
  });

  it("comes back by itself after kill -9, and is ready then", async () => {
    const old = await web.start({ GREETING: "one" }, handover);
    const { pid } = await web.answer();
    process.kill(pid, "SIGKILL");
    await eventually(
      () =>
        web.answer().then(
          ({ pid: now }) => now,
          () => pid,
        ),
      (now) => now !== pid,
    );
    expect(await web.read(old)).to.deep.equal(old);
  });
});
