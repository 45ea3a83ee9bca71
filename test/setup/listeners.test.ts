import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import {
  findFreeRun,
  findHolders,
  isFree,
  listListeners,
  parseSockets,
  runsFrom,
} from "../../setup/listeners.js";

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid";

describe("listeners", () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  function listen(host: string, port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer().once("error", reject);
      servers.push(server);
      server.listen(port, host, () => {
        resolve((server.address() as { port: number }).port);
      });
    });
  }

  it("reads the kernel's table of IPv4 sockets, listening ones only", () => {
    const text = [
      header,
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1",
      "   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1",
      "",
    ].join("\n");
    expect(parseSockets(text)).to.deep.equal([{ address: "127.0.0.1", port: 8080, inode: "4711" }]);
  });

  it("reads IPv6 addresses", () => {
    const row = (address: string) =>
      `   0: ${address}:1F90 ${"0".repeat(32)}:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1`;
    const text = [
      header,
      row("0".repeat(32)),
      row("00000000000000000000000001000000"),
      row("0000000000000000FFFF00000100007F"),
      row("B80D0120000000000000000001000000"),
    ].join("\n");
    expect(parseSockets(text).map(({ address }) => address)).to.deep.equal([
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "2001:0db8:0000:0000:0000:0000:0000:0001",
    ]);
  });

  it("finds a real listener with its process", async () => {
    const port = await listen("127.0.0.1");
    const found = listListeners().find((listener) => listener.port === port);
    expect(found?.address).to.equal("127.0.0.1");
    const inode = found?.inode ?? "";
    expect(findHolders(new Set([inode])).get(inode)?.pid).to.equal(process.pid);
  });

  it("leaves out what it may not see", () => {
    expect(findHolders(new Set(["1"])).size).to.equal(0);
  });

  it("tells whether a port is free on every address", async () => {
    for (const host of ["127.0.0.1", "0.0.0.0", "::1"]) {
      const port = await listen(host);
      expect(await isFree(port), host).to.equal(false);
    }
  });

  it("finds ten free ports in a row, next to one that is taken", async () => {
    const first = await findFreeRun({ from: 28000 });
    await listen("127.0.0.1", first + 7);
    const second = await findFreeRun({ from: first });
    expect(second).to.be.at.least(first + 10);
    expect((second - first) % 10).to.equal(0);
  });

  it("gives up below the ports of clients", async () => {
    const port = await listen("127.0.0.1");
    try {
      await findFreeRun({ from: port, below: port + 10 });
      expect.fail("found");
    } catch (fault) {
      expect((fault as Error).message).to.equal(
        `No 10 free ports in a row between ${port} and ${port + 10}.`,
      );
    }
  });

  it("knows a process that runs out of a folder by its command line or working directory", () => {
    const proc = mkdtempSync(join(tmpdir(), "proc-"));
    try {
      for (const [pid, line, cwd] of [
        ["1", "postgres\0-D\0/srv/dev/postgres", "/"],
        ["2", "java", "/srv/dev/keycloak"],
        ["3", "java", "/srv/develop"],
      ] as const) {
        mkdirSync(join(proc, pid));
        writeFileSync(join(proc, pid, "cmdline"), line);
        symlinkSync(cwd, join(proc, pid, "cwd"));
      }
      const ours = [1, 2, 3, 4].map((pid) => runsFrom(pid, "/srv/dev", proc));
      expect(ours).to.deep.equal([true, true, false, false]);
    } finally {
      rmSync(proc, { recursive: true });
    }
  });
});
