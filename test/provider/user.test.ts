import { expect } from "chai";

import { HostPlugin, unknown } from "../support/hostPlugin.ts";

const isRoot = process.getuid?.() === 0;

describe("User", () => {
  let plugin: HostPlugin;
  const name = `hivetest${String(process.pid % 100_000)}`;
  const inputs = { name, home: "/nonexistent/hive", shell: "/usr/sbin/nologin" };

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("is previewed without being made", async () => {
    const { properties } = await plugin.create("User", inputs, { preview: true });
    expect(properties).to.include({ uid: unknown, gid: unknown });
    expect(await plugin.read("User", name)).to.equal(undefined);
  });

  it("is made, changed, found gone and removed", async function () {
    if (!isRoot) this.skip();
    const { id, properties } = await plugin.create("User", inputs);
    try {
      expect(properties).to.include({ ...inputs, found: false });
      expect(properties["uid"]).to.be.a("number").below(1000);
      expect((await plugin.read("User", id, properties))?.properties).to.deep.equal(properties);
      const again = await plugin.create("User", inputs);
      expect(again.properties).to.deep.equal(properties);
      const news = { ...inputs, shell: "/bin/sh" };
      expect((await plugin.diff("User", properties, news)).replaces).to.deep.equal([]);
      const changed = await plugin.update("User", id, properties, news);
      const read = await plugin.read("User", id, changed);
      expect(read?.properties).to.include({ shell: "/bin/sh" });
    } finally {
      await plugin.delete("User", id, properties);
    }
    expect(await plugin.read("User", id, properties)).to.equal(undefined);
    await plugin.delete("User", id, properties);
  });

  it("stays when it was there before", async () => {
    const read = await plugin.read("User", "nobody");
    expect(read?.properties).to.include({ name: "nobody", uid: 65534, found: true });
    await plugin.delete("User", "nobody", read?.properties ?? {});
    expect(await plugin.read("User", "nobody")).not.to.equal(undefined);
  });
});
