import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { PluginError } from "../support/hostPlugin.ts";
import { type DebianHost, startDebianHost } from "./debianHost.ts";
import { buildWorld } from "./firewallWorld.ts";

interface Found {
  readonly ports: Record<string, unknown>[];
  readonly probe: Record<string, unknown>;
}

describe("getExposure of a host by SSH", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let on: DebianHost;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    on = await startDebianHost();
    await buildWorld(on.host);
    // As Docker publishes a port of the container: nobody listens on the host itself.
    const { address } = on.host;
    await on.sh(
      `nft add rule ip published pre ip daddr ${address} tcp dport 9090 dnat to 10.8.0.2:90`,
    );
    await on.sh("systemd-run -q --unit=local python3 -m http.server 7000 --bind 127.0.0.1");
  });
  after(async () => {
    if (noContainers === undefined) await on.stop();
  });

  const ask = async (ports: object[]) =>
    (await on.plugin.invoke("host:index:getExposure", { ports })) as unknown as Found;

  it("sees sockets of both families and of containers, and tries from this machine", async () => {
    const { ports, probe } = await ask([
      { name: "local", port: 7000 },
      { name: "gateway", port: 443, open: true },
      { name: "boxed", port: 90 },
      { name: "absent", port: 7001 },
    ]);
    expect(ports.map(({ name, state }) => [name, state])).to.deep.equal([
      ["local", "loopback"],
      ["gateway", "open"],
      ["boxed", "not running"],
      ["absent", "not running"],
    ]);
    expect(ports[1]).to.deep.include({ addresses: ["::"], reached: [on.host.address] });
    expect(String(ports[2]?.["containers"])).to.match(/^\d+ python3$/);
    expect(probe["method"]).to.equal("from this machine");
  });

  it("fails for who listens everywhere, and for who is published by a container alone", async () => {
    const error: unknown = await ask([
      { name: "ledger", port: 5432 },
      { name: "boxed", port: 9090 },
      { name: "local", port: 7000 },
    ]).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(PluginError);
    const { address } = on.host;
    expect((error as PluginError).message).to.equal(
      `ledger listens on [::]:5432, where other machines reach it: let it listen on 127.0.0.1.
boxed (port 9090) answers from outside at ${address}:9090: something forwards it, such as a port that Docker publishes; take that away.
Then run up again.`,
    );
  });
});
