import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { freePort } from "../support/freePort.ts";
import { HostPlugin, PluginError, secret, unknown } from "../support/hostPlugin.ts";
import { eventually, isAlive, processesIn } from "./running.ts";

type Values = Record<string, unknown>;

/** A server that answers with its environment variable GREETING and its process number. */
const program = `
  const server = require("node:http").createServer((request, response) => {
    response.statusCode = request.url === "/broken" ? 500 : 200;
    response.end(process.env.GREETING + " " + process.pid);
  });
  process.on("SIGHUP", () => console.log("told to reload"));
  setTimeout(() => server.listen(Number(process.env.PORT), "127.0.0.1"), Number(process.env.DELAY ?? 0));
`;

describe("Supervisor and Service", function () {
  this.timeout(90_000);
  this.slow(2000);
  let plugin: HostPlugin;
  let folder: string;
  let supervisor: Values;
  let port: number;
  let inputs: Values;

  const state = () => join(folder, "services", "web");
  const answer = async () => (await fetch(`http://127.0.0.1:${String(port)}/`)).text();
  const pidOf = async () => Number((await answer()).split(" ")[1]);
  const checked = async (values: Values) => {
    const { inputs: found, failures } = await plugin.check("Service", values);
    expect(failures).to.deep.equal([]);
    return found;
  };
  const create = async (type: string, values: Values) => {
    const { id, properties } = await plugin.create(type, values);
    return { id, properties };
  };
  const read = async (old: Values) => (await plugin.read("Service", "web", old))?.properties;
  const repair = async (old: Values | undefined, wanted: Values) => {
    expect((await plugin.diff("Service", old ?? {}, wanted)).changes).to.equal(true);
    return plugin.update("Service", "web", old ?? {}, wanted);
  };
  const failed = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error as PluginError,
    );

  before(async function () {
    if (!existsSync("/usr/bin/runsvdir")) this.skip();
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-runit-"));
    await mkdir(join(folder, "service"));
    await mkdir(join(folder, "services"));
    port = await freePort();
    supervisor = { directory: join(folder, "service") };
    inputs = await checked({
      name: "web",
      directory: join(folder, "service"),
      state: state(),
      command: [process.execPath, "-e", program],
      env: { PORT: String(port), GREETING: secret("two\nlines") },
      ready: [{ http: { url: `http://127.0.0.1:${String(port)}/` } }],
      readyTimeout: 15,
      stopTimeout: 3,
    });
  });
  afterEach(async () => {
    await plugin.delete("Service", "web", inputs);
    await plugin.delete("Supervisor", join(folder, "service"), supervisor);
    expect(processesIn(folder)).to.deep.equal([]);
    await rm(folder, { recursive: true });
  });

  const start = async () => {
    await create("Supervisor", supervisor);
    return (await create("Service", inputs)).properties;
  };

  it("are previewed without a process or a file", async () => {
    await plugin.create("Supervisor", supervisor, { preview: true });
    const { properties } = await plugin.create(
      "Service",
      { ...inputs, env: { PORT: unknown } },
      { preview: true },
    );
    expect(properties).to.deep.include({ running: true, env: { PORT: unknown } });
    expect(await readdir(join(folder, "service"))).to.deep.equal([]);
    expect(await readdir(join(folder, "services"))).to.deep.equal([]);
    expect(processesIn(folder)).to.deep.equal([]);
  });

  it("start it, wait until it is ready, and leave nothing behind", async () => {
    const properties = await start();
    expect(await answer()).to.match(/^two\nlines \d+$/);
    expect(properties).to.deep.include({ running: true, name: "web" });
    expect(properties["env"]).to.deep.equal({ PORT: String(port), GREETING: secret("two\nlines") });
    expect(await read(properties)).to.deep.equal(properties);
    expect(await plugin.read("Supervisor", join(folder, "service"), supervisor)).not.to.equal(
      undefined,
    );
    await plugin.delete("Service", "web", properties);
    expect(await readdir(join(folder, "service"))).not.to.include("web");
    expect(await readdir(join(folder, "services"))).to.deep.equal([]);
    expect(processesIn(folder)).to.have.length(1);
    expect(await plugin.read("Service", "web", properties)).to.equal(undefined);
    await plugin.delete("Supervisor", join(folder, "service"), supervisor);
    expect(await readdir(folder)).to.have.members(["service", "services"]);
    expect(await readdir(join(folder, "service"))).to.deep.equal([]);
  });

  it("outlive the plugin and what started it", async () => {
    const other = await HostPlugin.start();
    await other.create("Supervisor", supervisor);
    await other.create("Service", inputs);
    await other.stop();
    expect(await answer()).to.match(/^two/);
    for (const { pid, argv } of processesIn(folder)) {
      const stat_ =
        readFileSync(`/proc/${String(pid)}/stat`, "utf8")
          .split(") ")[1]
          ?.split(" ") ?? [];
      const sessionOfTests = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[3];
      expect(stat_[3], argv).not.to.equal(sessionOfTests);
    }
  });

  it("keep secrets out of argv, and in files only the user can read", async () => {
    inputs = await checked({
      ...inputs,
      env: { PORT: String(port), GREETING: secret("hidden-value") },
    });
    await start();
    expect(processesIn(folder).filter(({ argv }) => argv.includes("hidden-value"))).to.deep.equal(
      [],
    );
    expect((await stat(join(state(), "env"))).mode & 0o777).to.equal(0o700);
    expect((await stat(join(state(), "env", "GREETING"))).mode & 0o777).to.equal(0o600);
    const files = ["run", "stop", "finish", "process", "log/run"];
    for (const file of files) {
      expect(await readFile(join(state(), file), "utf8")).not.to.include("hidden-value");
    }
  });

  it("restart on a change of what it is started with, and only then", async () => {
    const properties = await start();
    const first = await pidOf();
    const checks = [{ tcp: { port } }];
    const gentle = { ...inputs, ready: checks, stopTimeout: 4 };
    const second = await plugin.update("Service", "web", properties, gentle);
    expect(await pidOf()).to.equal(first);
    const env = { PORT: String(port), GREETING: "three" };
    const third = await plugin.update("Service", "web", second, { ...gentle, env });
    expect(await answer()).to.match(/^three /);
    expect(await pidOf()).not.to.equal(first);
    const before = await pidOf();
    const fourth = await plugin.update("Service", "web", third, {
      ...gentle,
      env,
      restartOn: ["1"],
    });
    expect(await pidOf()).not.to.equal(before);
    const calm = await pidOf();
    await plugin.update("Service", "web", fourth, {
      ...gentle,
      env,
      restartOn: ["1"],
      reloadOn: ["x"],
    });
    expect(await pidOf()).to.equal(calm);
    await eventually(
      () => readFile(join(state(), "log/main/current"), "utf8"),
      (log) => log.includes("told to reload"),
    );
  });

  it("replace only what has another identity, the old one first", async () => {
    const other = { ...inputs, state: `${state()}2`, command: ["/bin/other"] };
    const diff = await plugin.diff("Service", inputs, other);
    expect(diff.replaces).to.deep.equal(["state"]);
    expect(diff.detailed).to.include({ state: "update-replace", "command[0]": "update" });
  });

  it("find a stopped service and start it", async () => {
    const properties = await start();
    execFileSync("sv", ["-w", "10", "down", state()], { stdio: "ignore" });
    const found = await read(properties);
    expect(found).to.include({ running: false });
    await repair(found, inputs);
    expect(await answer()).to.match(/^two/);
  });

  it("find a service whose link or whose files were removed, and make it again", async () => {
    const properties = await start();
    await rm(join(folder, "service", "web"));
    const found = await read(properties);
    expect(found).to.include({ running: false });
    const again = await repair(found, inputs);
    expect(await answer()).to.match(/^two/);
    await rm(state(), { recursive: true });
    await rm(join(folder, "service", "web"));
    expect(await read(again)).to.equal(undefined);
    await plugin.create("Service", inputs);
    expect(await answer()).to.match(/^two/);
  });

  it("find an edited definition and restart with the right one", async () => {
    const properties = await start();
    await writeFile(join(state(), "env", "GREETING"), "edited\n");
    execFileSync("sv", ["-w", "10", "restart", state()], { stdio: "ignore" });
    const found = await read(properties);
    expect(found).to.include({ running: false });
    await repair(found, inputs);
    expect(await answer()).to.match(/^two/);
  });

  it("come back by itself after kill -9 of the process", async () => {
    const properties = await start();
    const first = await pidOf();
    process.kill(first, "SIGKILL");
    await eventually(
      () => pidOf().catch(() => first),
      (pid) => pid !== first,
    );
    expect(await read(properties)).to.include({ running: true });
  });

  it("come back after kill -9 of runsv: what it left running is ended first", async () => {
    const properties = await start();
    const first = await pidOf();
    const runsv = processesIn(folder).find(({ argv }) => argv.startsWith("runsv web"));
    process.kill(runsv?.pid ?? 0, "SIGKILL");
    await eventually(
      () => pidOf().catch(() => first),
      (pid) => pid !== first,
    );
    expect(isAlive(first)).to.equal(false);
    expect(await read(properties)).to.include({ running: true });
  });

  it("go on after kill -9 of the supervisor, and a new one takes them over", async () => {
    const properties = await start();
    const first = await pidOf();
    const runsvdir = processesIn(folder).find(({ argv }) => argv.startsWith("runsvdir"));
    process.kill(runsvdir?.pid ?? 0, "SIGKILL");
    await eventually(
      () => plugin.read("Supervisor", join(folder, "service"), supervisor),
      (found) => found === undefined,
    );
    await plugin.create("Supervisor", supervisor);
    expect(await read(properties)).to.include({ running: true });
    expect(await pidOf()).to.equal(first);
    expect(execFileSync("sv", ["status", state()], { encoding: "utf8" })).to.match(/^run: /);
    const changed = { ...inputs, restartOn: ["now"] };
    await plugin.update("Service", "web", properties, changed);
    const parents = processesIn(folder).filter(({ argv }) => argv.startsWith("runsvdir"));
    expect(parents).to.have.length(1);
    const runsv = processesIn(folder).find(({ argv }) => argv.startsWith("runsv web"));
    const stat_ = readFileSync(`/proc/${String(runsv?.pid)}/stat`, "utf8")
      .split(") ")[1]
      ?.split(" ");
    expect(Number(stat_?.[1])).to.equal(parents[0]?.pid);
  });

  it("leave nothing behind after kill -9 of the supervisor, even without a new one", async () => {
    const properties = await start();
    const runsvdir = processesIn(folder).find(({ argv }) => argv.startsWith("runsvdir"));
    process.kill(runsvdir?.pid ?? 0, "SIGKILL");
    await plugin.delete("Service", "web", properties);
    await plugin.delete("Supervisor", join(folder, "service"), supervisor);
    expect(processesIn(folder)).to.deep.equal([]);
  });

  it("come back after everything was killed, as after a reboot", async () => {
    const properties = await start();
    const all = processesIn(folder).sort(
      (a, b) => Number(b.argv.startsWith("runsv")) - Number(a.argv.startsWith("runsv")),
    );
    for (const { pid } of all) process.kill(pid, "SIGKILL");
    await eventually(
      () => processesIn(folder),
      (left) => left.length === 0,
    );
    expect(await plugin.read("Supervisor", join(folder, "service"), supervisor)).to.equal(
      undefined,
    );
    const found = await read(properties);
    expect(found).to.include({ running: false });
    await plugin.create("Supervisor", supervisor);
    await repair(found, inputs);
    expect(await answer()).to.match(/^two/);
    expect(processesIn(folder).filter(({ argv }) => argv.startsWith("runsv web"))).to.have.length(
      1,
    );
  });

  it("end what a program forks, also when the program itself goes first", async () => {
    const script = `"${process.execPath}" -e "$PROGRAM" & wait`;
    inputs = await checked({
      ...inputs,
      command: ["/bin/sh", "-c", script],
      env: { PORT: String(port), GREETING: "forked", PROGRAM: program },
    });
    const properties = await start();
    const child = await pidOf();
    await plugin.delete("Service", "web", properties);
    expect(isAlive(child)).to.equal(false);
  });

  it("kill what does not want to end, after its time", async () => {
    const stubborn = `process.on("SIGTERM", () => {}); ${program}`;
    inputs = await checked({
      ...inputs,
      command: [process.execPath, "-e", stubborn],
      stopTimeout: 1,
    });
    const properties = await start();
    const pid = await pidOf();
    await plugin.delete("Service", "web", properties);
    expect(isAlive(pid)).to.equal(false);
  });

  it("stay in the state when not ready, with the end of the log and no secret in it", async () => {
    await create("Supervisor", supervisor);
    const talkative = `console.log("key is " + process.env.GREETING); ${program}`;
    inputs = await checked({
      ...inputs,
      command: [process.execPath, "-e", talkative],
      env: { PORT: String(port), GREETING: secret("hidden-value") },
      ready: [{ http: { url: `http://127.0.0.1:${String(port)}/broken` } }],
      readyTimeout: 2,
    });
    const error = await failed(plugin.create("Service", inputs));
    expect(error.message).to.match(
      /^web did not become ready \(not within 2 s; .* answers 500 instead of 200\)/,
    );
    expect(error.message).to.match(/key is \[secret\]/);
    expect(error.message).not.to.include("hidden-value");
    expect(error.state?.id).to.equal("web");
    expect(error.state?.properties).to.include({ running: false, name: "web" });
    inputs = await checked({ ...inputs, ready: [{ tcp: { port } }] });
    await repair(error.state?.properties, inputs);
  });

  it("do not wait for a program that keeps ending", async () => {
    await create("Supervisor", supervisor);
    inputs = await checked({
      ...inputs,
      command: ["/bin/sh", "-c", "echo no database; exit 3"],
      readyTimeout: 60,
    });
    const error = await failed(plugin.create("Service", inputs));
    expect(error.message).to.match(/^web did not become ready \(it ended 4 times.*no database/s);
  });

  it("are started again more and more slowly while they keep ending, and at once when asked to", async () => {
    await create("Supervisor", supervisor);
    const starts = join(folder, "starts");
    inputs = await checked({
      ...inputs,
      command: ["/bin/sh", "-c", `date +%s%N >>${starts}; exit 3`],
      readyTimeout: 60,
    });
    await failed(plugin.create("Service", inputs));
    const times = (): number[] =>
      readFileSync(starts, "utf8")
        .trim()
        .split("\n")
        .map((time) => Number(time) / 1e9);
    const count = (): number => times().length;
    // runsv itself lets a second pass between two starts.
    const pauses = (): number[] =>
      times()
        .map((time, index, all) => time - (all[index - 1] ?? time))
        .filter((pause) => pause > 1.9);
    await eventually(pauses, (all) => all.length >= 1);
    await eventually(pauses, (all) => all.length >= 2);
    expect(pauses()[1], String(pauses())).to.be.greaterThan(3.9);
    const failures = (): number => {
      const path = join(state(), "failures");
      return existsSync(path) ? Number(readFileSync(path, "utf8").split(" ")[0]) : 0;
    };
    const before = count();
    expect(failures()).to.be.greaterThan(6);
    // Asked while it waits for its turn; between two starts there is nobody to ask.
    await eventually(
      () => {
        execFileSync("sv", ["term", state()], { stdio: "ignore" });
        return failures();
      },
      (now) => now < 3,
    );
    await eventually(count, (now) => now > before);
  });

  it("do not take another program's answer for the service's", async () => {
    await create("Supervisor", supervisor);
    const squatter: ChildProcess = spawn(process.execPath, ["-e", program], {
      env: { PORT: String(port), GREETING: "squatter" },
    });
    try {
      await eventually(
        () => answer().catch(() => ""),
        (text) => text.startsWith("squatter"),
      );
      const error = await failed(plugin.create("Service", inputs));
      expect(error.message).to.match(/EADDRINUSE/);
    } finally {
      squatter.kill("SIGKILL");
    }
  });

  it("are ended by a cancel, and finished by the next create", async () => {
    await create("Supervisor", supervisor);
    const slow = await checked({
      ...inputs,
      env: { PORT: String(port), DELAY: "4000" },
      readyTimeout: 30,
    });
    const work = failed(plugin.create("Service", slow));
    await eventually(() => existsSync(join(state(), "process")), Boolean);
    await plugin.cancel();
    const error = await work;
    expect(error.message).to.match(/^Interrupted/);
    expect(error.state?.properties).to.include({ running: false });
    inputs = slow;
    await repair(error.state?.properties, slow);
    expect(await answer()).to.match(/^undefined/);
  });

  it("refuse a directory that holds something else", async () => {
    await create("Supervisor", supervisor);
    await mkdir(join(folder, "mine"));
    await writeFile(join(folder, "mine", "diary"), "");
    const foreign = { ...inputs, state: join(folder, "mine") };
    const error = await failed(plugin.create("Service", foreign));
    expect(error.message).to.equal(
      `${folder}/mine holds something else; move it away or choose another directory.`,
    );
    expect(error.state).to.equal(undefined);
  });

  it("run as another user when root says so", async function () {
    if (process.getuid?.() !== 0) this.skip();
    execFileSync("chown", ["-R", "nobody", folder]);
    execFileSync("chmod", ["755", folder]);
    supervisor = { ...supervisor, user: "nobody" };
    inputs = {
      ...inputs,
      user: "nobody",
      command: ["/bin/sh", "-c", 'echo "$USER $HOME"; exec sleep 1000'],
      ready: [{ exec: { command: ["/bin/sh", "-c", 'test "$(id -un)" = nobody'] } }],
    };
    const properties = await start();
    for (const { pid } of processesIn(folder)) {
      expect(
        execFileSync("stat", ["-c", "%U", `/proc/${String(pid)}`], { encoding: "utf8" }).trim(),
      ).to.equal("nobody");
    }
    await eventually(
      () => readFile(join(state(), "log/main/current"), "utf8"),
      (log) => log.includes("nobody /nonexistent"),
    );
    expect(await read(properties)).to.include({ running: true });
  });
});
