import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { ConnectionOwners } from "../../../runtime/core/connectionOwners.ts";
import { type Connection, lookUp, type SocketEntry } from "../../../runtime/core/socketTable.ts";
import { uidsOf } from "../../../runtime/core/systemUsers.ts";
import { createLog } from "../../../runtime/kernel/log.ts";

const passwd =
  "root:x:0:0::/:/bin/sh\ncodex:x:991:991::/:\nledger:x:992:992::/:\ntwin:x:992:9::/:\n";
const users = { codex: "codex", helm: "nobody-knows" };
const connection: Connection = {
  remoteAddress: "127.0.0.1",
  remotePort: 43690,
  localAddress: "127.0.0.1",
  localPort: 5000,
};
const ours =
  "   1: 0100007F:1388 0100007F:AAAA 01 00000000:00000000 00:00000000 00000000     0        0 9 1\n";
const theirs = (state: string, uid: number): string =>
  `   0: 0100007F:AAAA 0100007F:1388 ${state} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 8 1\n`;
const mapped = (uid: number): string =>
  `   0: 0000000000000000FFFF00000100007F:AAAA 0000000000000000FFFF00000100007F:1388 01 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 8 1\n`;

describe("the owner of a connection", () => {
  let folder: string;
  const servers: Server[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hivematrix-sockets-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** What is said of a connection when the kernel's tables have these lines. */
  async function ownerIn(tcp: string, tcp6 = "", asked = connection) {
    const tables = [join(folder, "tcp"), join(folder, "tcp6")];
    [tcp, tcp6].forEach((lines, index) => {
      writeFileSync(tables[index] ?? "", `  sl  local_address …\n${lines}`);
    });
    return ownerOf(() => lookUp([asked], tables));
  }

  async function ownerOf(look: () => Promise<(SocketEntry | undefined)[]>) {
    const log = createLog("core", "silent");
    const owners = new ConnectionOwners({ users, log, look, passwd: () => passwd });
    const server = createServer().listen(0, "127.0.0.1");
    servers.push(server);
    owners.watch(server);
    const accepted = once(server, "connection") as Promise<[Socket]>;
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [socket] = await accepted;
    const owner = await owners.of(socket);
    client.destroy();
    socket.destroy();
    return owner;
  }

  it("is the service whose system user has the socket", async () => {
    expect(await ownerIn(ours + theirs("01", 991))).to.deep.equal({ name: "codex" });
  });

  it("is found for a client that talks IPv4 by an IPv6 socket", async () => {
    expect(await ownerIn(ours, mapped(991))).to.deep.equal({ name: "codex" });
    const asMapped = {
      ...connection,
      remoteAddress: "::ffff:127.0.0.1",
      localAddress: "::ffff:127.0.0.1",
    };
    expect(await ownerIn(ours + theirs("01", 991), "", asMapped)).to.deep.equal({ name: "codex" });
  });

  it("is found over IPv6", async () => {
    const loopback = "00000000000000000000000001000000";
    const line = `   3: ${loopback}:AAAA ${loopback}:1388 01 00000000:00000000 00:00000000 00000000   991        0 8 1\n`;
    const asked = { ...connection, remoteAddress: "::1", localAddress: "::1" };
    expect(await ownerIn("", line, asked)).to.deep.equal({ name: "codex" });
  });

  for (const [title, lines, reason] of [
    ["there is no entry", ours, "no entry"],
    ["only our own end is there", ours.replace(" 0        0", " 991        0"), "no entry"],
    ["it was closed early: TIME_WAIT with uid 0", theirs("06", 0), "state 06"],
    ["it was half closed", theirs("04", 991), "state 04"],
    ["it is not established yet", theirs("02", 991), "state 02"],
    ["it is root's", theirs("01", 0), "root"],
    ["it is of another user namespace", theirs("01", 65_534), "a user of another namespace"],
    ["it is another user's", theirs("01", 1000), "no caller's user"],
    ["two entries claim it", theirs("01", 991) + theirs("01", 991), "several entries"],
  ] as const) {
    it(`is nobody when ${title}`, async () => {
      expect(await ownerIn(lines))
        .to.include({ reason })
        .and.not.to.have.property("name");
    });
  }

  it("is nobody when the table cannot be read", async () => {
    const fail = () => Promise.reject(new Error("no table"));
    expect(await ownerOf(fail)).to.include({ reason: "no entry" });
  });

  it("is nobody where one user stands for two names", () => {
    expect(uidsOf(["codex", "nobody-knows"], passwd)).to.deep.equal(new Map([["codex", 991]]));
  });

  it("is looked up once for each connection, and by one reading for those that come together", async () => {
    const asked: number[] = [];
    const sockets: Socket[] = [];
    let allCame = (): void => undefined;
    const all = new Promise<void>((resolve) => (allCame = resolve));
    const look = async (connections: readonly Connection[]) => {
      asked.push(connections.length);
      await all;
      return connections.map(() => ({ state: "01", uid: 991 }));
    };
    const log = createLog("core", "silent");
    const owners = new ConnectionOwners({ users, log, look, passwd: () => passwd });
    const server = createServer().listen(0, "127.0.0.1");
    servers.push(server);
    owners.watch(server);
    server.on("connection", (socket) => {
      if (sockets.push(socket) === 50) allCame();
    });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
    await all;
    const found = await Promise.all([...sockets, ...sockets].map((socket) => owners.of(socket)));
    for (const socket of [...clients, ...sockets]) socket.destroy();
    expect(new Set(found.map(({ name }) => name))).to.deep.equal(new Set(["codex"]));
    expect(asked.reduce((sum, count) => sum + count, 0)).to.equal(50);
    expect(asked.length).to.be.at.most(2);
  });
});
