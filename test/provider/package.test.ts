import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, unknown } from "../support/hostPlugin.ts";

const isRoot = process.getuid?.() === 0;

describe("Package", function () {
  this.timeout(120_000);
  let plugin: HostPlugin;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("is previewed without apt, and checked by name", async () => {
    const { properties } = await plugin.create("Package", { names: ["bash"] }, { preview: true });
    expect(properties).to.include({ versions: unknown, found: unknown });
    expect((await plugin.check("Package", { names: ["--bad", "a b"] })).failures).to.deep.equal([
      "names[0] must be a package's name as for apt-get install",
      "names[1] must be a package's name as for apt-get install",
    ]);
  });

  it("knows what is installed and keeps it when deleted", async () => {
    const inputs = { names: ["bash", "coreutils"] };
    const { id, properties } = await plugin.create("Package", inputs);
    const version = execFileSync("dpkg-query", ["-W", "-f=${Version}", "bash"], {
      encoding: "utf8",
    });
    expect(properties).to.have.nested.property("versions.bash", version);
    expect(properties["found"]).to.deep.equal(["bash", "coreutils"]);
    expect((await plugin.read("Package", id, properties))?.properties).to.deep.equal(properties);
    await plugin.delete("Package", id, properties);
    expect((await plugin.read("Package", "bash"))?.inputs).to.deep.equal({ names: ["bash"] });
  });

  it("finds a missing one, of a state that had it", async () => {
    const inputs = { names: ["bash", "not-a-package-of-debian"] };
    const state = { ...inputs, versions: {}, found: [] };
    const read = await plugin.read("Package", "x", state);
    expect(read?.inputs).to.deep.equal({ names: ["bash"] });
    const diff = await plugin.diff("Package", read?.properties ?? {}, inputs);
    expect(diff.detailed).to.deep.equal({ "names[1]": "add" });
  });

  it("says what apt says when there is no such package, and takes its files away", async function () {
    if (!isRoot) this.skip();
    const folder = await mkdtemp(join(tmpdir(), "host-package-"));
    const during = { [join(folder, "made", "x.conf")]: "x = 1\n" };
    const error = await plugin
      .create("Package", { names: ["not-a-package-of-debian"], during })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/Unable to locate package not-a-package-of-debian|apt-get update failed/);
    expect(await readdir(folder)).to.deep.equal([]);
    await rm(folder, { recursive: true });
  });
});
