import { expect } from "chai";

import { HostPlugin, secret, unknown } from "../../support/hostPlugin.ts";
import { makeKey } from "../../support/sshServer.ts";

describe("the provider's configuration", () => {
  let plugin: HostPlugin;
  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  const key = makeKey();
  const ssh = { transport: "ssh", address: "203.0.113.5", privateKey: key.private };

  it("takes an SSH host, also as the SDK sends it: what is no text as JSON", async () => {
    const forwards = [{ localPort: 15432, host: "127.0.0.1", port: 5432 }];
    const all = { ...ssh, port: 22, user: "deploy", hostKey: key.public, sudo: true, forwards };
    expect(await plugin.checkConfig(all)).to.deep.equal([]);
    const json = { ...all, port: "22", sudo: "true", forwards: JSON.stringify(forwards) };
    expect(await plugin.checkConfig(json)).to.deep.equal([]);
    expect((await plugin.diffConfig(all, json)).changes).to.equal(false);
  });

  it("says all faults at once, and no part of the key", async () => {
    const faults = await plugin.checkConfig({
      transport: "ssh",
      port: 70000,
      user: "-oProxyCommand=x",
      privateKey: secret("not a key: hunter22"),
      agent: true,
      hostKey: "ssh-ed25519 AAAA",
      forwards: [
        { localPort: 15432, host: "127.0.0.1", port: 5432 },
        { localPort: 15432, host: "127.0.0.1", port: 8080 },
      ],
    });
    expect(faults.map((fault) => fault.split(" ")[0])).to.deep.equal([
      ...["port", "user", "address", "agent", "privateKey", "hostKey", "forwards[1].localPort"],
    ]);
    expect(faults.join("\n")).not.to.include("hunter22");
  });

  it("takes nothing of SSH for this machine", async () => {
    expect(await plugin.checkConfig({ transport: "local", address: "h" })).to.deep.equal([
      'address is for transport "ssh" only',
    ]);
  });

  it("passes what is not known yet, and then reaches nothing", async () => {
    const planned = { transport: "ssh", address: unknown, privateKey: unknown };
    expect(await plugin.checkConfig(planned)).to.deep.equal([]);
    const other = await HostPlugin.start({}, planned);
    const inputs = { path: "/etc/x", content: "a", mode: "0644" };
    const { properties } = await other.create("File", inputs, { preview: true });
    expect(properties).to.include(inputs);
    const fault = await other.read("File", "/etc/x").catch((error: unknown) => error);
    expect((fault as Error).message).to.include("not known yet; run up first");
    await other.stop();
  });

  it("updates for another address or key, and never replaces the host", async () => {
    const changed = { ...ssh, address: "203.0.113.6", privateKey: makeKey().private };
    const diff = await plugin.diffConfig(ssh, changed);
    expect(diff).to.deep.equal({
      changes: true,
      replaces: [],
      detailed: { address: "update", privateKey: "update" },
    });
  });
});
