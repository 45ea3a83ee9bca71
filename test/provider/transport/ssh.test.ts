import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { explainedBy } from "../../support/faults.ts";
import { type Relay, startRelay } from "../../support/relay.ts";
import { makeKey, type SshServer, startSshServer } from "../../support/sshServer.ts";
import { SshTransport } from "../../../provider/transport/ssh.ts";

describe("SshTransport", () => {
  let server: SshServer;
  let relay: Relay;
  let transport: SshTransport;
  let folder: string;

  const options = () => ({
    address: "127.0.0.1",
    port: relay.port,
    user: "someone",
    privateKey: server.privateKey,
    hostKey: server.hostKey,
    sudo: false,
  });

  before(async () => {
    server = await startSshServer();
    relay = await startRelay("127.0.0.1", server.port);
    transport = new SshTransport(options());
  });
  after(async () => {
    transport.close();
    await relay.close();
    await server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-ssh-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("refuses a host whose key is not known, and says its fingerprint and the line to set", async () => {
    const stranger = new SshTransport({ ...options(), hostKey: undefined });
    const said = await explainedBy(stranger.stat("/etc"));
    expect(said).to.match(/^The key of someone@127\.0\.0\.1:\d+ is not known yet/);
    expect(said).to.match(/ssh-ed25519 SHA256:[A-Za-z0-9+/]{43}\./);
    expect(said).to.include(`\nhostKey: ${server.hostKey.split(" ").slice(0, 2).join(" ")}`);
    expect(server.commands).to.deep.equal([]);
  });

  it("refuses a host that answers with another key than the pinned one", async () => {
    const pinned = makeKey().public;
    const said = await explainedBy(
      new SshTransport({ ...options(), hostKey: pinned }).stat("/etc"),
    );
    expect(said).to.include("another key than the pinned one, so nothing was sent");
    expect(said).to.include(`hostKey: ${server.hostKey.split(" ").slice(0, 2).join(" ")}`);
    expect(server.commands).to.deep.equal([]);
  });

  it("says what to do when the key is not accepted, and does not try it again", async () => {
    const { connections } = relay;
    const privateKey = makeKey().private;
    const said = await explainedBy(new SshTransport({ ...options(), privateKey }).stat("/etc"));
    expect(said).to.include("does not accept the private key; add its public half to");
    expect(relay.connections - connections).to.equal(1);
  });

  it("makes one connection, whoever asks while it is being made", async () => {
    const { connections } = relay;
    const fresh = new SshTransport(options());
    await Promise.all(Array.from({ length: 5 }, () => fresh.stat("/etc")));
    fresh.close();
    expect(relay.connections - connections).to.equal(1);
    expect(server.commands.at(-1)).to.equal("/bin/sh");
  });

  it("reads what the machine itself would see, and nothing where nothing is", async () => {
    const path = join(folder, "a b'c\"$d Ä");
    const content = Buffer.from([0, 1, 10, 39, 255, 129, 136]);
    await writeFile(path, content);
    await chmod(path, 0o4640);
    expect(await transport.stat(path)).to.include({ type: "file", mode: "4640", size: 7 });
    expect(await transport.read(path)).to.deep.equal(content);
    expect(await transport.list(folder)).to.deep.equal(["a b'c\"$d Ä"]);
    await transport.makeLink(`${folder}/link`, "a b\nc");
    expect(await transport.linkTarget(`${folder}/link`)).to.equal("a b\nc");
    expect(await transport.stat(`${folder}/link`)).to.include({ type: "link" });
    expect(await transport.account("root")).to.include({ uid: 0, home: "/root" });
    for (const nothing of [`${folder}/no`, `${path}/no`]) {
      expect(await transport.stat(nothing)).to.equal(undefined);
      expect(await transport.read(nothing)).to.equal(undefined);
      expect(await transport.list(nothing)).to.equal(undefined);
      expect(await transport.linkTarget(nothing)).to.equal(undefined);
    }
    expect(await transport.read(folder)).to.equal(undefined);
    expect(await transport.account("nobody-here")).to.equal(undefined);
  });

  it("answers sixty questions that are asked together in one round trip", async () => {
    await transport.stat("/");
    const [sent, turns] = [transport.roundTrips, relay.turns];
    const paths = Array.from({ length: 60 }, (_, index) => join(folder, String(index)));
    await transport.writeAtomic(paths[7] ?? "", "seven");
    const found = await Promise.all(paths.map((path) => transport.read(path)));
    expect(found.map((content) => content?.toString())).to.deep.equal(
      paths.map((_, index) => (index === 7 ? "seven" : undefined)),
    );
    expect(transport.roundTrips - sent).to.equal(2);
    expect(relay.turns - turns).to.be.at.most(4);
  });

  it("writes with mode first, and leaves nothing beside", async () => {
    const path = join(folder, "x");
    await transport.writeAtomic(path, "secret\0\n", { mode: "0600" });
    expect(await readFile(path, "utf8")).to.equal("secret\0\n");
    expect((await stat(path)).mode & 0o7777).to.equal(0o600);
    await transport.writeAtomic(path, Buffer.alloc(300_000, 1));
    expect((await stat(path)).size).to.equal(300_000);
    expect((await stat(path)).mode & 0o7777).to.equal(0o644);
    expect(await readdir(folder)).to.deep.equal(["x"]);
  });

  it("leaves the former content when the validator refuses the new one", async () => {
    const path = join(folder, "x");
    await transport.writeAtomic(path, "good");
    const validate = ["sh", "-c", 'echo "$1: line 1" >&2; exit 1', "-", "%s"];
    const said = await explainedBy(transport.writeAtomic(path, "bad", { validate }));
    expect(said).to.equal(`${path} was not changed, sh refuses the new content: ${path}: line 1`);
    expect(await readFile(path, "utf8")).to.equal("good");
    expect(await readdir(folder)).to.deep.equal(["x"]);
  });

  it("explains a missing folder, a missing user and something else in the place", async () => {
    expect(await explainedBy(transport.writeAtomic(`${folder}/no/x`, ""))).to.equal(
      `${folder}/no/x: the folder ${folder}/no is missing; declare a Directory for it.`,
    );
    const owner = { owner: "nobody-here" };
    expect(await explainedBy(transport.writeAtomic(`${folder}/x`, "", owner))).to.equal(
      "There is no user nobody-here; declare a User for it.",
    );
    await transport.makeDirectory(`${folder}/d`, { mode: "0700" });
    await transport.writeAtomic(`${folder}/d/x`, "");
    expect(await explainedBy(transport.remove(`${folder}/d`))).to.include("something else is");
    await transport.removeTree(`${folder}/d`);
    await transport.remove(`${folder}/d`);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("uploads small and large files once, and only to a new path", async () => {
    for (const size of [0, 1000, 2_000_000]) {
      const [from, to] = [join(folder, "from"), join(folder, `to${size}`)];
      const content = Buffer.alloc(size, "0123456789\n");
      await writeFile(from, content);
      const { signal } = new AbortController();
      await transport.upload(from, to, { mode: "0755" }, signal);
      expect((await readFile(to)).equals(content)).to.equal(true);
      expect((await stat(to)).mode & 0o7777).to.equal(0o755);
      const said = await explainedBy(transport.upload(from, to, {}, signal));
      expect(said).to.equal(`${to}: something else is there; move it away or choose another path.`);
      expect((await readFile(to)).equals(content)).to.equal(true);
    }
  });

  it("runs a program with input and environment, none of it in an argument vector", async () => {
    const shown = "cat; printf '%s|' \"$A\" \"$PWD\"; tr '\\0' ' ' </proc/$PPID/cmdline; exit 3";
    const result = await transport.run(["sh", "-c", shown], {
      stdin: "in'put\n",
      env: { A: "v'al\nue" },
      cwd: "/usr",
    });
    expect(result.code).to.equal(3);
    expect(result.stdout).to.match(/^in'put\nv'al\nue\|\/usr\|/);
    expect(result.stdout.split("|").at(-1)).not.to.match(/in'put|v'al/);
    expect(server.commands.join()).not.to.match(/put|v'al/);
    expect(await explainedBy(transport.run(["no-such-program"]))).to.include("is not installed");
    expect((await transport.run(["sh", "-c", "kill -9 $$"])).code).to.equal(137);
  });

  it("connects to what listens on the host's own loopback", async () => {
    const web = createServer((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as AddressInfo;
    const { signal } = new AbortController();
    const stream = await transport.connect("127.0.0.1", port, signal);
    stream.write("GET / HTTP/1.0\r\n\r\n");
    const text = (await stream.toArray()).join("");
    web.close();
    expect(text).to.match(/^HTTP\/1\.1 200 OK[^]*hello$/);
    expect(await explainedBy(transport.connect("127.0.0.1", 1, signal))).to.include("127.0.0.1:1");
  });
});
