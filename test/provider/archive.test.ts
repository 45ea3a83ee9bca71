import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, unknown } from "../support/hostPlugin.ts";

const isRoot = process.getuid?.() === 0;

describe("Archive", function () {
  this.timeout(120_000);
  let plugin: HostPlugin;
  let folder: string;
  const source = "maven:org.apache.maven.wrapper:maven-wrapper-distribution:3.3.2:zip:bin";
  const tarball = "maven:commons-daemon:commons-daemon:1.2.4:tar.gz:native-src";

  before(async () => {
    plugin = await HostPlugin.start();
    folder = await mkdtemp(join(tmpdir(), "host-archive-"));
  });
  after(async () => {
    await plugin.stop();
    await rm(folder, { recursive: true });
  });

  it("is checked and previewed without Maven", async () => {
    const path = join(folder, "preview");
    const { failures } = await plugin.check("Archive", { path, source: "https://x", sha256: "1" });
    expect(failures).to.deep.equal([
      "source must be maven:GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER] with TYPE tar.gz or zip",
      "sha256 must be 64 hex digits in small letters",
    ]);
    await plugin.create(
      "Archive",
      { path, source: unknown, stripComponents: 1 },
      { preview: true },
    );
    expect(existsSync(path)).to.equal(false);
  });

  it("refuses to take the place of something else", async () => {
    const path = join(folder, "taken");
    await writeFile(path, "");
    const error = await plugin
      .create("Archive", { path, source, stripComponents: 0 })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/taken exists; move it away/);
  });

  const kinds = [
    { type: "zip", source, stripComponents: 0, program: "mvnw" },
    { type: "tar.gz", source: tarball, stripComponents: 1, program: "unix/configure" },
  ];
  for (const { type, program, ...wanted } of kinds) {
    it(`is fetched by Maven and unpacked (${type}), found changed, and removed`, async function () {
      if (!existsSync("/usr/bin/mvn") || !existsSync("/usr/bin/unzip")) this.skip();
      const path = join(folder, type);
      const inputs = { path, ...wanted, ...(isRoot ? { owner: "nobody" } : {}) };
      const { id, properties } = await plugin.create("Archive", inputs);
      const unpacked = await stat(join(path, program));
      expect(unpacked.mode & 0o100).to.equal(0o100);
      if (isRoot) expect(unpacked.uid).to.equal(65534);
      expect(await readdir(folder)).to.have.members(["taken", type]);
      expect((await plugin.read("Archive", id, properties))?.properties).to.deep.equal(properties);
      await rm(join(path, ".source.json"));
      const read = await plugin.read("Archive", id, properties);
      const diff = await plugin.diff("Archive", read?.properties ?? {}, inputs);
      expect(diff.detailed).to.deep.equal({ source: "update" });
      await plugin.update("Archive", id, read?.properties ?? {}, inputs);
      expect((await plugin.read("Archive", id, properties))?.properties).to.deep.equal(properties);
      await plugin.delete("Archive", id, properties);
      expect(existsSync(path)).to.equal(false);
      expect(await plugin.read("Archive", id, properties)).to.equal(undefined);
    });
  }

  it("says what Maven says when there is no such archive", async function () {
    if (!existsSync("/usr/bin/mvn")) this.skip();
    const missing = "maven:org.apache.maven.wrapper:maven-wrapper-distribution:3.3.2:tar.gz:none";
    const error = await plugin
      .create("Archive", { path: join(folder, "none"), source: missing, stripComponents: 0 })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/with mvn failed[^]*was not found|resolve/);
  });

  it("refuses an archive with another checksum", async function () {
    if (!existsSync("/usr/bin/mvn")) this.skip();
    const path = join(folder, "sum");
    const inputs = { path, source, stripComponents: 0, sha256: "0".repeat(64) };
    const error = await plugin.create("Archive", inputs).catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/not the expected 0000/);
    expect(existsSync(path)).to.equal(false);
  });
});
