import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, secret, unknown } from "../support/hostPlugin.ts";

/** What is inside a value marked as secret. */
function inside(value: unknown): string {
  expect(value).to.have.property("value");
  return (value as { value: string }).value;
}

describe("Secret", () => {
  let plugin: HostPlugin;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("is unknown in a preview and random when made", async () => {
    const preview = await plugin.create("Secret", { length: 40, version: 1 }, { preview: true });
    expect(preview.properties).to.deep.equal({ length: 40, version: 1, value: secret(unknown) });
    const one = await plugin.create("Secret", { length: 40, version: 1 });
    const two = await plugin.create("Secret", { length: 40, version: 1 });
    expect(inside(one.properties["value"])).to.match(/^[A-Za-z0-9_-]{40}$/);
    expect(one.properties["value"]).not.to.deep.equal(two.properties["value"]);
    const read = await plugin.read("Secret", one.id, one.properties);
    expect(read?.properties).to.deep.equal(one.properties);
  });

  it("is imported from a file that holds it, never by itself", async () => {
    const folder = mkdtempSync(join(tmpdir(), "host-secret-"));
    try {
      writeFileSync(join(folder, "key"), "of-somebody-else\n");
      const imported = await plugin.read("Secret", join(folder, "key"));
      expect(imported?.inputs).to.deep.equal({ length: 16, version: 1 });
      expect(imported?.properties["value"]).to.deep.equal(secret("of-somebody-else"));
      expect(await plugin.read("Secret", join(folder, "none"))).to.equal(undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const refused: unknown = await plugin.read("Secret", "the-value").catch((e: unknown) => e);
    expect((refused as Error).message).to.equal(
      "A Secret is imported by the path of a file on the host that holds it.",
    );
  });

  it("gets a new value by another version or length, and only then", async () => {
    const { id, properties } = await plugin.create("Secret", { length: 20, version: 1 });
    const same = await plugin.update("Secret", id, properties, { length: 20, version: 1 });
    expect(same["value"]).to.deep.equal(properties["value"]);
    const longer = await plugin.update("Secret", id, properties, { length: 30, version: 1 });
    expect(inside(longer["value"])).to.have.length(30);
    const diff = await plugin.diff("Secret", properties, { length: 20, version: 2 });
    expect(diff).to.deep.equal({ changes: true, replaces: [], detailed: { version: "update" } });
    const preview = await plugin.update("Secret", id, properties, { length: 20, version: 2 }, true);
    expect(preview["value"]).to.deep.equal(secret(unknown));
    const next = await plugin.update("Secret", id, properties, { length: 20, version: 2 });
    expect(next["value"]).not.to.deep.equal(properties["value"]);
  });

  it("cannot be weak", async () => {
    expect((await plugin.check("Secret", { length: 8 })).failures).to.deep.equal([
      "length must be at least 16",
    ]);
  });
});
