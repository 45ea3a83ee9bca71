import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, output, unknown } from "../support/hostPlugin.ts";

describe("Directory", () => {
  let plugin: HostPlugin;
  let folder: string;
  let path: string;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-directory-"));
    path = join(folder, "outer", "inner");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is previewed without being made", async () => {
    const inputs = { path: unknown, mode: "0755", purge: false };
    const { properties } = await plugin.create("Directory", inputs, { preview: true });
    expect(properties).to.deep.equal({ ...inputs, found: unknown, parents: unknown });
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("is made with its parents and removed with them when empty", async () => {
    const inputs = { path: output(path), mode: "0750", purge: false };
    const { properties } = await plugin.create("Directory", inputs);
    expect(properties).to.deep.equal({
      path,
      mode: "0750",
      purge: false,
      found: false,
      parents: [join(folder, "outer")],
    });
    expect((await stat(path)).mode & 0o7777).to.equal(0o750);
    await plugin.delete("Directory", path, properties);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("stays when something is in it, unless it is to be purged", async () => {
    const inputs = { path, mode: "0755", purge: false };
    const { properties } = await plugin.create("Directory", inputs);
    await writeFile(join(path, "x"), "");
    await plugin.delete("Directory", path, properties);
    expect(await readdir(path)).to.deep.equal(["x"]);
    const purged = await plugin.update("Directory", path, properties, { ...inputs, purge: true });
    await plugin.delete("Directory", path, purged);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("stays when it was there before, even when it is to be purged", async () => {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "x"), "");
    const { properties } = await plugin.create("Directory", { path, mode: "0755", purge: true });
    expect(properties).to.include({ found: true });
    await plugin.delete("Directory", path, properties);
    expect(await readdir(path)).to.deep.equal(["x"]);
  });

  it("is ours when an interrupted up made it and left it empty", async () => {
    const inputs = { path, mode: "0755", purge: false };
    await plugin.create("Directory", inputs);
    expect((await plugin.create("Directory", inputs)).properties).to.include({ found: false });
  });

  it("is found changed or gone, and repaired", async () => {
    const inputs = { path, mode: "0755", purge: false };
    const { properties } = await plugin.create("Directory", inputs);
    expect((await plugin.read("Directory", path, properties))?.properties).to.deep.equal(
      properties,
    );
    await chmod(path, 0o700);
    const read = await plugin.read("Directory", path, properties);
    const diff = await plugin.diff("Directory", read?.properties ?? {}, inputs);
    expect(diff.detailed).to.deep.equal({ mode: "update" });
    await plugin.update("Directory", path, read?.properties ?? {}, inputs);
    expect((await stat(path)).mode & 0o7777).to.equal(0o755);
    await rm(path, { recursive: true });
    expect(await plugin.read("Directory", path, properties)).to.equal(undefined);
  });

  it("is imported by its path, and was there before us then", async () => {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);
    const read = await plugin.read("Directory", path);
    expect(read?.inputs).to.deep.equal({ path, mode: "0755", purge: false });
    expect(read?.properties).to.include({ found: true });
  });

  it("is replaced only by another path", async () => {
    const olds = { path, mode: "0755", purge: false, found: false };
    const moved = await plugin.diff("Directory", olds, { ...olds, path: `${path}2` });
    expect(moved.replaces).to.deep.equal(["path"]);
    const changed = await plugin.diff("Directory", olds, { path, mode: "0700", purge: true });
    expect(changed).to.deep.equal({
      changes: true,
      replaces: [],
      detailed: { mode: "update", purge: "update" },
    });
  });

  it("refuses a file in its place", async () => {
    const error = await plugin
      .create("Directory", { path: join(folder, "f"), mode: "0755", purge: false })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).to.equal(undefined);
    await rm(join(folder, "f"), { recursive: true });
    await writeFile(join(folder, "f"), "");
    const refused = await plugin
      .create("Directory", { path: join(folder, "f"), mode: "0755", purge: false })
      .catch((thrown: unknown) => thrown);
    expect(refused)
      .to.have.property("message")
      .that.matches(/f is a file; move it away/);
  });
});
