import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";

import { expect } from "chai";

import { explainedBy } from "../../support/faults.ts";
import { HostPlugin } from "../../support/hostPlugin.ts";
import { type SshServer, startSshServer } from "../../support/sshServer.ts";
import { Forwards } from "../../../provider/transport/forwards.ts";
import { SshTransport } from "../../../provider/transport/ssh.ts";

describe("forwards", () => {
  let server: SshServer;
  let echo: Server;
  let transport: SshTransport;
  let forward: { localPort: number; host: string; port: number };
  const warnings: string[] = [];
  const make = (target = "a host") =>
    new Forwards(transport, target, (message) => warnings.push(message));
  const configuration = () => ({
    transport: "ssh",
    address: "127.0.0.1",
    port: server.port,
    user: "someone",
    privateKey: server.privateKey,
    hostKey: server.hostKey,
    sudo: false,
    forwards: [forward],
  });

  before(async () => {
    server = await startSshServer();
    echo = createServer((socket) => socket.pipe(socket));
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    const { port } = echo.address() as AddressInfo;
    forward = { localPort: await freePort(), host: "127.0.0.1", port };
    transport = new SshTransport({ ...configuration(), port: server.port });
  });
  after(async () => {
    transport.close();
    echo.close();
    await server.close();
  });

  it("listen at once, dial when somebody comes, and connect again after a cut", async () => {
    const forwards = make();
    await forwards.open([forward]);
    expect(server.connections).to.equal(0);
    expect(await ask(forward.localPort, "one")).to.equal("one");
    expect(server.connections).to.equal(1);
    expect(await ask(forward.localPort, "two")).to.equal("two");
    expect(server.connections).to.equal(1);
    server.cut();
    await until(async () => (await ask(forward.localPort, "three")) === "three");
    expect(server.connections).to.equal(2);
    forwards.close();
    expect(await ask(forward.localPort, "four")).to.equal(undefined);
  });

  it("name the port that something else has taken, and leave none open", async () => {
    const other = { ...forward, localPort: await freePort() };
    const taken = createServer().listen(forward.localPort, "127.0.0.1");
    await once(taken, "listening");
    const said = await explainedBy(make().open([other, forward]));
    expect(said).to.include(`Port ${forward.localPort} of this machine, which is to lead to`);
    expect(await ask(other.localPort, "x")).to.equal(undefined);
    taken.close();
    await once(taken, "close");
  });

  it("are shared by two plugins of one stack, and refused to another host's", async () => {
    const [first, second] = [make(), make()];
    await first.open([forward]);
    await second.open([forward]);
    expect(await explainedBy(make("another host").open([forward]))).to.include("is taken");
    first.close();
    await until(async () => (await ask(forward.localPort, "x")) === "x");
    second.close();
    expect(await ask(forward.localPort, "x")).to.equal(undefined);
  });

  it("say why when the host's port does not answer", async () => {
    const forwards = make();
    await forwards.open([{ ...forward, port: 1 }]);
    expect(await ask(forward.localPort, "x")).to.equal(undefined);
    await until(() => Promise.resolve(warnings.length > 0));
    expect(warnings.join()).to.include("127.0.0.1:1 does not answer on someone@127.0.0.1");
    forwards.close();
  });

  it("are opened by Configure, and nothing listens when the plugin has ended", async () => {
    const plugin = await HostPlugin.start({}, configuration());
    expect(await ask(forward.localPort, "hello")).to.equal("hello");
    expect(await plugin.stop()).to.equal(0);
    expect(await ask(forward.localPort, "hello")).to.equal(undefined);
  });
});

/** What comes back; undefined when nothing does. */
function ask(port: number, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      answer += chunk.toString();
      if (answer === text) socket.end();
    });
    socket.on("close", () => {
      resolve(answer === "" ? undefined : answer);
    });
    socket.write(text);
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    expect(Date.now()).to.be.below(deadline);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
