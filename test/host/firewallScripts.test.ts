import { expect } from "chai";

import { iptablesScript } from "../../provider/firewall/iptables.ts";
import { inwardRules } from "../../provider/firewall/nft.ts";
import { ufwScript } from "../../provider/firewall/ufw.ts";
import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { buildWorld, type World } from "./firewallWorld.ts";

const rules = {
  sshPorts: [22],
  sshRate: 5,
  open: [{ port: 443 }, { port: 8443, from: ["192.0.2.0/24", "fd12::/64"] }],
};

describe("firewalls for hand use, probed from another network namespace", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let host: TestHost;
  let world: World;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    host = await startHost();
    world = await buildWorld(host);
    await world.sh(
      "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends iptables ufw >/dev/null",
    );
  });
  after(() => host.stop());

  const open = ["10.9.0.1/22", "10.9.0.1/443", "fd09::1/22", "fd09::1/443"];
  /** What is open to one network alone. */
  const chosen = ["10.9.0.1/8443", "fd09::1/8443"];

  it("without rules everything answers, so that the probe can see it", async () => {
    expect(await world.reached()).to.have.members(world.targets);
    expect(await world.reached(chosen, world.friends)).to.deep.equal(chosen);
  });

  it("nft: only what is declared answers, by IPv4 and IPv6; no container is reached", async () => {
    await world.sh("nft -f -", inwardRules(rules));
    expect(await world.reached()).to.have.members(open);
    expect(await world.reached(chosen, world.friends)).to.deep.equal(chosen);
  });

  it("nft: other tables stay, loading again changes nothing", async () => {
    const ruleset = "nft -s list ruleset | sed '/elements/d'";
    const before = await world.sh(ruleset);
    await world.sh("nft -f -", inwardRules(rules));
    expect(await world.sh(ruleset)).to.equal(before);
    expect(before).to.contain("table ip published");
  });

  it("nft: a published port that is declared is reached; what passes between containers goes on", async () => {
    await world.sh("nft -f -", inwardRules({ ...rules, open: [{ port: 9090 }] }));
    expect(await world.reached(["10.9.0.1/9090", "10.8.0.2/90"])).to.deep.equal(["10.9.0.1/9090"]);
    expect(await world.sh("ip netns exec box python3 /tmp/probe.py - 10.9.0.2/77")).to.equal(
      "10.9.0.2/77",
    );
  });

  it("nft: an address has its number of new ssh connections; a second address has its own", async () => {
    await world.sh("nft -f -", inwardRules(rules));
    for (const address of ["10.9.0.1", "fd09::1"]) {
      const many = Array.from({ length: 12 }, () => `${address}/22`);
      expect((await world.reached(many)).length, address).to.be.within(4, 6);
      const friend = await world.reached([`${address}/22`], world.friends);
      expect(friend, address).to.deep.equal([`${address}/22`]);
    }
    await world.sh("nft delete table inet hivematrix");
    expect(await world.reached()).to.have.members(world.targets);
  });

  it("iptables: only what is declared answers, twice run as once", async () => {
    const script = iptablesScript(rules);
    await world.sh("sh -s", script);
    const once = await world.sh("iptables -t mangle -S; ip6tables -t mangle -S");
    await world.sh("sh -s", script);
    expect(await world.sh("iptables -t mangle -S; ip6tables -t mangle -S")).to.equal(once);
    expect(await world.reached()).to.have.members(open);
    expect(await world.reached(chosen, world.friends)).to.deep.equal(chosen);
    for (const address of ["10.9.0.1", "fd09::1"]) {
      const many = Array.from({ length: 12 }, () => `${address}/22`);
      expect((await world.reached(many)).length, address).to.be.within(2, 6);
    }
    await world.sh("for i in iptables ip6tables; do $i -t mangle -F; $i -t mangle -X; done");
    expect(await world.reached()).to.have.members(world.targets);
  });

  it("ufw: only what is declared answers, except ports that Docker publishes", async () => {
    // As Docker lets in what it publishes.
    await world.sh("iptables -I FORWARD -o br-box -j ACCEPT");
    await world.sh("sh -s", ufwScript(rules));
    const found = await world.reached();
    expect(found).to.include.members(open);
    expect(found.filter((target) => !target.startsWith("10.8."))).to.have.members([
      ...open,
      "10.9.0.1/9090",
    ]);
    expect(await world.reached(chosen, world.friends)).to.deep.equal(chosen);
    expect(await world.sh("ufw status")).to.match(/^Status: active/);
  });
});
