import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, output, PluginError, secret, unknown } from "../support/hostPlugin.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

describe("File", () => {
  let plugin: HostPlugin;
  let folder: string;
  let path: string;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-file-"));
    path = join(folder, "x.conf");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is previewed without being written: its hash is known, of what is not known it is not", async () => {
    const inputs = { path, content: "a\n", mode: "0600" };
    const known = await plugin.create("File", inputs, { preview: true });
    expect(known.properties).to.deep.equal({ ...inputs, sha256: digest("a\n") });
    const later = await plugin.create("File", { ...inputs, content: unknown }, { preview: true });
    expect(later.properties).to.deep.equal({ ...inputs, content: unknown, sha256: unknown });
    const updated = await plugin.update(
      "File",
      path,
      known.properties,
      { ...inputs, content: "b" },
      true,
    );
    expect(updated).to.include({ sha256: digest("b") });
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("is written with its mode, read, and removed", async () => {
    const { id, properties } = await plugin.create("File", { path, content: "a\n", mode: "0640" });
    expect(id).to.equal(path);
    expect(await readFile(path, "utf8")).to.equal("a\n");
    expect((await stat(path)).mode & 0o7777).to.equal(0o640);
    expect((await plugin.read("File", path, properties))?.properties).to.deep.equal(properties);
    await plugin.delete("File", path, properties);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("keeps a secret content secret, and its hash with it", async () => {
    const content = secret("password=hidden-value\n");
    const { properties } = await plugin.create("File", { path, content, mode: "0600" });
    expect(properties).to.deep.equal({
      path,
      content,
      mode: "0600",
      sha256: secret(digest("password=hidden-value\n")),
    });
    const read = await plugin.read("File", path, properties);
    expect(read?.properties).to.deep.equal(properties);
    expect(read?.inputs).to.deep.include({ content });
  });

  it("takes an output-wrapped content", async () => {
    const content = output("wrapped\n", true);
    const { properties } = await plugin.create("File", { path, content, mode: "0600" });
    expect(await readFile(path, "utf8")).to.equal("wrapped\n");
    expect(properties["content"]).to.deep.equal(secret("wrapped\n"));
  });

  it("is compared property by property; only another path replaces it", async () => {
    const olds = { path, content: "a", mode: "0600", sha256: digest("a") };
    expect(await plugin.diff("File", olds, { path, content: "a", mode: "0600" })).to.deep.equal({
      changes: false,
      replaces: [],
      detailed: {},
    });
    const news = { path, content: unknown, mode: "0644", owner: "root" };
    expect(await plugin.diff("File", olds, news)).to.deep.equal({
      changes: true,
      replaces: [],
      detailed: { content: "update", mode: "update", owner: "add" },
    });
    const moved = await plugin.diff("File", olds, { ...olds, path: `${path}2` });
    expect(moved).to.deep.include({ replaces: ["path"], detailed: { path: "update-replace" } });
  });

  it("is stored again when the same content becomes a secret", async () => {
    const olds = { path, content: "same", mode: "0600" };
    const news = { path, content: secret("same"), mode: "0600" };
    expect(await plugin.diff("File", olds, news)).to.deep.include({
      detailed: { content: "update" },
    });
    const kept = await plugin.diff("File", news, news);
    expect(kept.changes).to.equal(false);
  });

  it("is found changed, and repaired", async () => {
    const inputs = { path, content: "a", mode: "0600" };
    const { properties } = await plugin.create("File", inputs);
    await writeFile(path, "edited");
    await chmod(path, 0o666);
    const read = await plugin.read("File", path, properties);
    expect(read?.properties).to.include({ content: "edited", mode: "0666" });
    const diff = await plugin.diff("File", read?.properties ?? {}, inputs);
    expect(diff.detailed).to.deep.equal({ content: "update", mode: "update" });
    await plugin.update("File", path, read?.properties ?? {}, inputs);
    expect(await readFile(path, "utf8")).to.equal("a");
  });

  it("is gone when it was removed", async () => {
    const { properties } = await plugin.create("File", { path, content: "a", mode: "0600" });
    await rm(path);
    expect(await plugin.read("File", path, properties)).to.equal(undefined);
    await plugin.delete("File", path, properties);
  });

  it("gives back what it found, byte for byte and with its mode", async () => {
    const before = Buffer.from([0xff, 0x00, 0x41]);
    await writeFile(path, before, { mode: 0o604 });
    await chmod(path, 0o604);
    const { properties } = await plugin.create("File", { path, content: "ours", mode: "0600" });
    expect(properties).to.have.nested.property("found.value.mode", "0604");
    const news = { path, content: "ours 2", mode: "0600" };
    const updated = await plugin.update("File", path, properties, news);
    await plugin.delete("File", path, updated);
    expect(await readFile(path)).to.deep.equal(before);
    expect((await stat(path)).mode & 0o7777).to.equal(0o604);
  });

  it("knows the file an interrupted up of its own wrote", async () => {
    const inputs = { path, content: "ours", mode: "0600" };
    await plugin.create("File", inputs);
    const { properties } = await plugin.create("File", inputs);
    expect(properties).not.to.have.property("found");
  });

  it("is imported by its path, and stays when deleted", async () => {
    await writeFile(path, "there\n");
    await chmod(path, 0o644);
    const read = await plugin.read("File", path);
    const inputs = { path, content: "there\n", mode: "0644" };
    expect(read?.inputs).to.deep.equal(inputs);
    expect(read?.properties).to.deep.include({ ...inputs, sha256: digest("there\n") });
    expect((await plugin.diff("File", read?.properties ?? {}, inputs)).changes).to.equal(false);
    await plugin.delete("File", path, read?.properties ?? {});
    expect(await readFile(path, "utf8")).to.equal("there\n");
  });

  it("stays as it was when the validation refuses it, and shows no secret", async () => {
    const inputs = { path, content: "good", mode: "0600" };
    const { properties } = await plugin.create("File", inputs);
    const validate = ["/bin/sh", "-c", 'echo "bad: $(cat "$0")" >&2; exit 1', "%s"];
    const error = await plugin
      .update("File", path, properties, { ...inputs, content: secret("hidden-value"), validate })
      .catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(PluginError);
    expect(error).to.have.property(
      "message",
      `${path} was not changed, /bin/sh refuses the new content: bad: [secret]`,
    );
    expect(await readFile(path, "utf8")).to.equal("good");
    expect(await readdir(folder)).to.deep.equal(["x.conf"]);
  });

  it("says what to do when it cannot be written", async () => {
    const missing = join(folder, "missing", "x");
    const error = await plugin
      .create("File", { path: missing, content: "", mode: "0600" })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property(
      "message",
      `${missing}: the folder ${folder}/missing is missing; declare a Directory for it.`,
    );
    const taken = await plugin
      .create("File", { path: folder, content: "", mode: "0600" })
      .catch((thrown: unknown) => thrown);
    expect(taken).to.have.property(
      "message",
      `${folder} is a directory; move it away or choose another path.`,
    );
  });
});
