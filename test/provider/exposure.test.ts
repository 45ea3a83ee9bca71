import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";

import { expect } from "chai";

import { complaint, exposures } from "../../provider/exposure/exposure.ts";
import { isLoopback, parseNetworks } from "../../provider/exposure/sockets.ts";
import { HostPlugin, PluginError } from "../support/hostPlugin.ts";

const header = "  sl  local_address rem_address   st tx_queue rx_queue\n";

describe("exposure", () => {
  it("reads the kernel's tables, both families, listening sockets alone, of each network", () => {
    const text = `=\n${header}   0: 0100007F:1F40 00000000:0000 0A 0:0
   1: 00000000:0016 00000000:0000 0A 0:0
   2: 0100007F:1F40 0100007F:9999 01 0:0
${header}   3: 00000000000000000000000001000000:1389 0:0 0A 0:0
   4: 00000000000000000000000000000000:0050 0:0 0A 0:0
   5: 0000000000000000FFFF00000100007F:0051 0:0 0A 0:0
   6: B80D0120000000000000000001000000:0052 0:0 0A 0:0
= 4711 python3\n${header}   0: 00000000:1388 00000000:0000 0A 0:0
`;
    expect(parseNetworks(text)).to.deep.equal([
      {
        process: undefined,
        sockets: [
          { address: "127.0.0.1", port: 8000 },
          { address: "0.0.0.0", port: 22 },
          { address: "::1", port: 5001 },
          { address: "::", port: 80 },
          { address: "::ffff:127.0.0.1", port: 81 },
          { address: "2001:db8::1", port: 82 },
        ],
      },
      { process: "4711 python3", sockets: [{ address: "0.0.0.0", port: 5000 }] },
    ]);
  });

  it("knows loopback from what only looks like it", () => {
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
      expect(isLoopback(address), address).to.equal(true);
    }
    for (const address of ["0.0.0.0", "::", "10.0.0.127", "::ffff:10.0.0.1", "1.127.0.1"]) {
      expect(isLoopback(address), address).to.equal(false);
    }
  });

  it("one address beside loopback is enough; so is an answer from outside; the fix is named", () => {
    const sockets = [
      { address: "127.0.0.1", port: 1 },
      { address: "::", port: 2 },
      { address: "127.0.0.1", port: 2 },
      { address: "0.0.0.0", port: 5 },
    ];
    const networks = [
      { process: undefined, sockets },
      { process: "4711 python3", sockets: [{ address: "0.0.0.0", port: 3 }] },
    ];
    const declared = [1, 2, 3, 4, 5].map((port) => ({
      name: `app${String(port)}`,
      port,
      open: port === 5,
    }));
    const found = exposures(declared, networks, [{ address: "2001:db8::7", port: 4 }]);
    expect(found.map(({ state }) => state)).to.deep.equal([
      "loopback",
      "exposed",
      "not running",
      "exposed",
      "open",
    ]);
    expect(found[2]?.containers).to.deep.equal(["4711 python3"]);
    expect(found.filter(({ state }) => state === "exposed").map(complaint)).to.deep.equal([
      "app2 listens on [::]:2, where other machines reach it: let it listen on 127.0.0.1.",
      "app4 (port 4) answers from outside at [2001:db8::7]:4: something forwards it, such as a port that Docker publishes; take that away.",
    ]);
  });

  describe("of this machine", function () {
    this.timeout(30_000);
    this.slow(5000);
    let plugin: HostPlugin;
    const servers: Server[] = [];

    before(async () => {
      plugin = await HostPlugin.start();
    });
    after(() => plugin.stop());
    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
    });

    async function listen(address: string): Promise<number> {
      const server = createServer((socket) => socket.end());
      servers.push(server);
      server.listen(0, address);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    }

    const ask = (ports: object[], preview = false) =>
      plugin.invoke("host:index:getExposure", { ports }, preview);

    it("passes when everything is bound to loopback, or open as declared", async () => {
      const [core, gateway] = [await listen("127.0.0.1"), await listen("0.0.0.0")];
      const answer = await ask([
        { name: "core", port: core },
        { name: "nexus", port: gateway, open: true },
      ]);
      const ports = answer["ports"] as { state: string; reached: string[] }[];
      expect(ports.map(({ state }) => state)).to.deep.equal(["loopback", "open"]);
      const { method } = answer["probe"] as { method: string };
      if (process.getuid?.() !== 0) {
        expect(method).to.equal("bindings only");
        return;
      }
      // What the namespace reaches is what shows that it can see anything.
      expect(method).to.equal("from another network");
      expect(ports[0]?.reached).to.deep.equal([]);
      expect(ports[1]?.reached).to.not.be.empty;
      expect(Object.keys(networkInterfaces()).filter((name) => /^hp\d/.test(name))).to.be.empty;
    });

    it("fails with name, port and fix when one is not; a preview looks at nothing", async () => {
      const port = await listen("0.0.0.0");
      const ports = [{ name: "core", port }];
      const error: unknown = await ask(ports).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(PluginError);
      expect((error as PluginError).message).to.equal(
        `core listens on 0.0.0.0:${String(port)}, where other machines reach it: let it listen on 127.0.0.1.\nThen run up again.`,
      );
      expect(await ask(ports, true)).to.deep.equal({
        ports: [],
        probe: { method: "not looked" },
      });
    });
  });
});
