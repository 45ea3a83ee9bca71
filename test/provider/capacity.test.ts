import { availableParallelism, totalmem } from "node:os";

import { expect } from "chai";

import { HostPlugin } from "../support/hostPlugin.ts";

describe("Capacity", () => {
  let plugin: HostPlugin;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("tells memory in steps of 256 MB, and processors; unknown in a first preview", async () => {
    const preview = await plugin.create("Capacity", {}, { preview: true });
    expect(Object.keys(preview.properties)).to.have.members(["memory", "cores"]);
    const { id, properties } = await plugin.create("Capacity", {});
    const megabytes = totalmem() / 1024 / 1024;
    const { memory, cores } = properties as { memory: number; cores: number };
    expect(memory % 256).to.equal(0);
    expect(memory).to.be.within(Math.max(256, megabytes - 256), megabytes + 1);
    expect(cores).to.equal(availableParallelism());
    expect((await plugin.read("Capacity", id, properties))?.properties).to.deep.equal(properties);
  });

  it("is looked at again by a refresh, and what changed reaches the next up", async () => {
    const { id } = await plugin.create("Capacity", {});
    const read = await plugin.read("Capacity", id, { memory: 256, cores: 999 });
    expect(read?.properties["cores"]).to.equal(availableParallelism());
    expect(read?.properties["memory"]).not.to.equal(256);
  });
});
