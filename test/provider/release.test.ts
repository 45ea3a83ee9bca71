import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, output, PluginError, secret, unknown } from "../support/hostPlugin.ts";

type Values = Record<string, unknown>;

const isRoot = process.getuid?.() === 0;

describe("Release", () => {
  let plugin: HostPlugin;
  let folder: string;
  let path: string;
  let source: string;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-release-"));
    path = join(folder, "core");
    source = join(folder, "built");
    await mkdir(join(source, "migrations", "old"), { recursive: true });
    await writeFile(join(source, "main.js"), "one\n");
    await writeFile(join(source, "migrations", "0001.sql"), "select 1;\n");
    await writeFile(join(source, "migrations", "old", "run"), "#!/bin/sh\n", { mode: 0o700 });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const inputs = (version: string): Values => ({ path, source, version });
  const update = async (olds: Values, version: string) => {
    await writeFile(join(source, "main.js"), `${version}\n`);
    return plugin.update("Release", path, olds, inputs(version));
  };
  const versions = async () => (await readdir(path)).sort();
  const failed = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error as PluginError,
    );

  it("names every fault of its inputs", async () => {
    const { failures } = await plugin.check("Release", { path: "/srv/x/", version: "../etc" });
    expect(failures).to.deep.equal([
      "path must be an absolute path such as /srv/x, without . and .. and a slash at its end",
      "source is required: a string",
      "version must be at most 64 letters, digits, ., _ and -, with no . at its start",
    ]);
  });

  it("is previewed without a file: its directory is known when path and version are", async () => {
    const known = await plugin.create("Release", inputs("1"), { preview: true });
    expect(known.properties).to.deep.equal({
      ...inputs("1"),
      directory: `${path}/1`,
      intact: true,
    });
    const later = { ...inputs("1"), version: unknown };
    const { properties } = await plugin.create("Release", later, { preview: true });
    expect(properties).to.include({ version: unknown, directory: unknown });
    const changed = await plugin.update("Release", path, known.properties, inputs("2"), true);
    expect(changed).to.include({ directory: `${path}/2` });
    expect(existsSync(path)).to.equal(false);
  });

  it("keeps a secret input secret, and takes an output", async () => {
    const wanted = { ...inputs("1"), source: secret(source), version: output("1") };
    const { properties } = await plugin.create("Release", wanted);
    expect(properties).to.deep.include({ source: secret(source), version: "1" });
    expect(await plugin.diff("Release", properties, { ...inputs("1"), source: secret(source) }))
      .to.have.property("changes")
      .that.equals(false);
  });

  it("copies a folder with 0644, or 0755 for programs, and nothing else is left", async () => {
    await chmod(join(source, "main.js"), 0o600);
    const { id, properties } = await plugin.create("Release", inputs("1"));
    expect(id).to.equal(path);
    expect(properties).to.deep.equal({ ...inputs("1"), directory: `${path}/1`, intact: true });
    const mode = async (name: string) => ((await stat(join(path, "1", name))).mode & 0o7777) >>> 0;
    expect(await readFile(join(path, "1", "main.js"), "utf8")).to.equal("one\n");
    expect(await mode("main.js")).to.equal(0o644);
    expect(await mode("migrations/old")).to.equal(0o755);
    expect(await mode("migrations/old/run")).to.equal(0o755);
    expect(await versions()).to.deep.equal(["1"]);
    expect((await plugin.read("Release", id, properties))?.properties).to.deep.equal(properties);
  });

  it("puts a single file under its name into the version's folder", async () => {
    source = join(source, "main.js");
    await plugin.create("Release", inputs("1"));
    expect((await readdir(join(path, "1"))).sort()).to.deep.equal([".release.json", "main.js"]);
  });

  it("belongs to the owner, also when that changes", async function () {
    if (!isRoot) this.skip();
    const { properties } = await plugin.create("Release", { ...inputs("1"), owner: "nobody" });
    expect((await stat(join(path, "1", "migrations", "0001.sql"))).uid).to.equal(65534);
    expect((await stat(join(path, "1", ".release.json"))).uid).to.equal(65534);
    const root = { ...inputs("1"), owner: "root" };
    const diff = await plugin.diff("Release", properties, root);
    expect(diff.detailed).to.deep.equal({ owner: "update" });
    await plugin.update("Release", path, properties, root);
    expect((await stat(join(path, "1", "migrations", "0001.sql"))).uid).to.equal(0);
  });

  const harms: Record<string, (at: string) => Promise<unknown>> = {
    "of another content and the same size": (at) => writeFile(join(at, "main.js"), "two\n"),
    "of another size": (at) => writeFile(join(at, "main.js"), "longer than before\n"),
    "of another mode": (at) => chmod(join(at, "migrations", "0001.sql"), 0o600),
    "that is gone": (at) => rm(join(at, "migrations", "0001.sql")),
    "that is a link now": async (at) => {
      await rename(join(at, "main.js"), join(at, "other.js"));
      await symlink("other.js", join(at, "main.js"));
    },
    "that says it is complete, gone": (at) => rm(join(at, ".release.json")),
  };
  for (const [title, harm] of Object.entries(harms)) {
    it(`finds and repairs a file ${title}`, async () => {
      const { properties } = await plugin.create("Release", inputs("1"));
      await harm(join(path, "1"));
      const read = await plugin.read("Release", path, properties);
      expect(read?.properties).to.include({ intact: false, version: "1" });
      const diff = await plugin.diff("Release", read?.properties ?? {}, inputs("1"));
      expect(diff).to.deep.equal({ changes: true, replaces: [], detailed: { intact: "update" } });
      const after = await plugin.update("Release", path, read?.properties ?? {}, inputs("1"));
      expect(after).to.include({ intact: true });
      expect(await readFile(join(path, "1", "main.js"), "utf8")).to.equal("one\n");
      expect(await versions()).to.deep.equal(["1"]);
      expect((await plugin.read("Release", path, after))?.properties).to.deep.equal(after);
    });
  }

  it("is no change when the checkout moved: the version names the content", async () => {
    const { properties } = await plugin.create("Release", inputs("1"));
    const moved = { ...inputs("1"), source: "/elsewhere/built" };
    expect((await plugin.diff("Release", properties, moved)).changes).to.equal(false);
    // What is there already needs no source.
    await plugin.update("Release", path, properties, { ...moved, owner: userInfo().username });
  });

  it("is replaced by another path only", async () => {
    const { properties } = await plugin.create("Release", inputs("1"));
    const diff = await plugin.diff("Release", properties, { ...inputs("2"), path: `${path}2` });
    expect(diff.replaces).to.deep.equal(["path"]);
  });

  it("keeps three versions, the former among them, and goes back without copying", async () => {
    let olds = (await plugin.create("Release", inputs("1"))).properties;
    for (const version of ["2", "3"]) olds = await update(olds, version);
    expect(await versions()).to.deep.equal(["1", "2", "3"]);
    olds = await update(olds, "4");
    expect(await versions()).to.deep.equal(["2", "3", "4"]);
    expect(await readFile(join(path, "3", "main.js"), "utf8")).to.equal("3\n");
    const before = await stat(join(path, "2", "main.js"));
    olds = await plugin.update("Release", path, olds, { ...inputs("2"), source: "/gone" });
    expect((await stat(join(path, "2", "main.js"))).ino).to.equal(before.ino);
    expect(olds).to.include({ directory: `${path}/2` });
    await update(olds, "5");
    expect(await versions()).to.deep.equal(["2", "4", "5"]);
  });

  it("keeps a version that a process was started from", async () => {
    let olds = (await plugin.create("Release", inputs("1"))).properties;
    const script = 'process.stdout.write("up"); setInterval(() => {}, 1000)';
    const arguments_ = ["-e", script, `${path}/1/main.js`];
    const running: ChildProcess = spawn(process.execPath, arguments_, {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      if (running.stdout) await once(running.stdout, "data");
      for (const version of ["2", "3", "4"]) olds = await update(olds, version);
      expect(await versions()).to.deep.equal(["1", "2", "3", "4"]);
    } finally {
      running.kill("SIGKILL");
      await once(running, "exit");
    }
    await update(olds, "5");
    expect(await versions()).to.deep.equal(["3", "4", "5"]);
  });

  it("takes away what an interrupted up left, of other versions too", async () => {
    await mkdir(join(path, ".0.new"), { recursive: true });
    await mkdir(join(path, ".1.new", "half"), { recursive: true });
    await plugin.create("Release", inputs("1"));
    expect(await versions()).to.deep.equal(["1"]);
    expect(existsSync(join(path, "1", "half"))).to.equal(false);
  });

  it("copies a large file without reading it, and knows it by its size", async () => {
    const large = join(source, "node");
    const file = await open(large, "w", 0o755);
    await file.truncate(120 * 1024 * 1024);
    await file.close();
    const { properties } = await plugin.create("Release", inputs("1"));
    const status = await readFile(`/proc/${String(plugin.pid)}/status`, "utf8");
    const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
    expect(peak, "MB at most").to.be.below(200);
    const text = await readFile(join(path, "1", ".release.json"), "utf8");
    const manifest = JSON.parse(text) as { files: Values[] };
    expect(manifest.files.find(({ path: name }) => name === "node")).to.deep.equal({
      path: "node",
      size: 120 * 1024 * 1024,
      mode: "0755",
    });
    expect((await plugin.read("Release", path, properties))?.properties).to.include({
      intact: true,
    });
  });

  it("says what to do when the source is missing, and when it holds a link", async () => {
    const missing = await failed(plugin.create("Release", { ...inputs("1"), source: "/no/such" }));
    expect(missing.message).to.equal(
      "/no/such is missing on the machine that runs Pulumi; build it, then run the same command again.",
    );
    expect(missing.state).to.equal(undefined);
    await symlink("/etc/passwd", join(source, "link"));
    const link = await failed(plugin.create("Release", inputs("1")));
    expect(link.message).to.equal(
      `${source}/link cannot be released: only plain files and folders can.`,
    );
    // What these two left does not stand in the way.
    await rm(join(source, "link"));
    await plugin.create("Release", inputs("1"));
    expect(await versions()).to.deep.equal(["1"]);
  });

  it("refuses a folder that holds something else, since delete would remove it", async () => {
    await mkdir(join(path, "diary"), { recursive: true });
    const error = await failed(plugin.create("Release", inputs("1")));
    expect(error.message).to.equal(
      `${path} holds something else; move it away or choose another path.`,
    );
    expect(await versions()).to.deep.equal(["diary"]);
  });

  it("is gone when its folder is, and delete removes all of it", async () => {
    const { properties } = await plugin.create("Release", inputs("1"));
    const next = await update(properties, "2");
    await plugin.delete("Release", path, next);
    expect(existsSync(path)).to.equal(false);
    expect(await plugin.read("Release", path, next)).to.equal(undefined);
    await plugin.delete("Release", path, next);
  });
});
