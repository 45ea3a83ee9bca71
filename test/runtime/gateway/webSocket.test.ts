import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

import { expect } from "chai";
import fc from "fast-check";

import { closeFrame, FrameStream } from "../../../runtime/gateway/webSocketFrames.ts";
import { freePort } from "../../support/freePort.ts";
import { TestGateway, until } from "../../support/gateway.ts";

/** An unmasked text frame of a server. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, payload.length])
      : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, payload]);
}

describe("WebSockets", () => {
  let test: TestGateway;
  let service: Server;
  let cookie: string;
  let asked: IncomingMessage[];
  let sides: Duplex[];

  beforeEach(async () => {
    asked = [];
    sides = [];
    service = createServer((_request, response) => response.end("no socket"));
    service.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      asked.push(request);
      sides.push(socket);
      socket.on("error", () => undefined);
      const key = String(request.headers["sec-websocket-key"]);
      const accept = createHash("sha1")
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSet-Cookie: x=1\r\n\r\n`,
      );
      socket.on("data", (data: Buffer) => socket.write(data));
    });
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    const url = `http://127.0.0.1:${String((service.address() as AddressInfo).port)}`;
    const nowhere = `http://127.0.0.1:${String(await freePort())}`;
    test = await TestGateway.start({
      routes: [
        { name: "live", title: "Live", groups: ["admins"], url, websocket: true },
        { name: "quiet", title: "Quiet", groups: ["admins"], url },
        { name: "gone", title: "Gone", groups: ["admins"], url: nowhere, websocket: true },
      ],
    });
    cookie = test.core.signIn();
  });
  afterEach(async () => {
    for (const side of sides) side.destroy();
    service.closeAllConnections();
    service.close();
    await test.close();
  });

  async function open(
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ socket: TLSSocket; heard: () => Buffer; head: string; ended: () => boolean }> {
    const socket = await test.connect();
    const key = randomBytes(16).toString("base64");
    let bytes = Buffer.alloc(0);
    let isEnded = false;
    socket.on("error", () => undefined);
    socket.on("data", (data: Buffer) => (bytes = Buffer.concat([bytes, data])));
    socket.once("close", () => (isEnded = true));
    const all = {
      Host: "hive.test",
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
      Cookie: `__Host-hivematrix=${cookie}; own=1`,
      Origin: "https://hive.test",
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    await until(() => bytes.includes("\r\n\r\n"));
    const end = bytes.indexOf("\r\n\r\n") + 4;
    return {
      socket,
      head: bytes.subarray(0, end).toString(),
      heard: () => bytes.subarray(end),
      ended: () => isEnded,
    };
  }

  it("are passed on in both directions, for who may use the service", async () => {
    const { socket, head, heard } = await open("/live/room?x=1");
    expect(head)
      .to.match(/^HTTP\/1\.1 101 /)
      .and.to.include("sec-websocket-accept: ");
    expect(head).to.not.include("Set-Cookie");
    const [request] = asked;
    expect(request?.url).to.equal("/room?x=1");
    expect(request?.headers).to.include({
      authorization: `Bearer ${test.core.session(cookie).token}`,
      "x-forwarded-prefix": "/live",
      cookie: "own=1",
    });
    socket.write("abc");
    await until(() => heard().toString() === "abc");
    await until(() => test.lines.some(({ context }) => context?.["status"] === 101));
    expect(test.lines.map(({ user_id }) => user_id)).to.deep.equal(["4711"]);
    expect(test.gateway.metrics.render()).to.include(
      'requests_total{service="live",method="GET",status="101"} 1\n',
    );
    socket.destroy();
    await until(() => sides[0]?.readableEnded === true);
  });

  const refused: Readonly<
    Record<string, readonly [path: string, headers: Record<string, string>, status: number]>
  > = {
    "who is not signed in": ["/live/", { Cookie: "a=b" }, 401],
    "a page of another site": ["/live/", { Origin: "https://evil.test" }, 403],
    "a service that has none": ["/quiet/", {}, 403],
    "a service that is not there": ["/nothing/", {}, 404],
    "the gateway itself": ["/health/x", {}, 404],
    "another name": ["/live/", { Host: "evil.test" }, 421],
    "a path with dots": ["/live/../quiet/", {}, 400],
    "another protocol": ["/live/", { Upgrade: "h2c" }, 400],
  };
  for (const [what, [path, headers, status]] of Object.entries(refused)) {
    it(`are refused for ${what}`, async () => {
      const { head, heard } = await open(path, headers);
      expect(head).to.match(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
      expect(head).to.include("application/problem+json");
      await until(() => heard().includes("ERR_"));
      expect(asked).to.deep.equal([]);
    });
  }

  it("are refused for groups that may not use the service", async () => {
    cookie = test.core.signIn(["client"]);
    expect((await open("/live/")).head).to.match(/^HTTP\/1\.1 403 /);
  });

  it("are at most fifty of one user, also when all are asked for at once", async () => {
    const statuses = async (path: string) => {
      const all = await Promise.all(Array.from({ length: 52 }, () => open(path)));
      return all.map(({ head, socket }) => ({ status: head.split(" ", 2)[1], socket }));
    };
    // What a service does not take up is nobody's.
    expect((await statuses("/gone/")).filter(({ status }) => status === "101")).to.deep.equal([]);
    const all = await statuses("/live/");
    const opened = all.filter(({ status }) => status === "101");
    expect([opened.length, all.filter(({ status }) => status === "429").length]).to.deep.equal([
      50, 2,
    ]);
    opened[0]?.socket.destroy();
    await until(() => test.gateway.metrics.render().includes("websockets 49\n"));
    expect((await open("/live/")).head).to.match(/^HTTP\/1\.1 101 /);
  });

  it("end with a reason when the session ends, at core's word", async () => {
    const { heard, ended } = await open("/live/");
    const { id } = test.core.session(cookie);
    test.core.sessions.clear();
    test.core.emit("session.ended", id);
    await until(() => ended());
    expect(heard().readUInt16BE(2)).to.equal(1008);
  });

  it("are told to connect again when the gateway ends", async () => {
    const { heard, ended } = await open("/live/");
    test.gateway.drain();
    await until(() => ended());
    expect([heard()[0], heard().readUInt16BE(2)]).to.deep.equal([0x88, 1012]);
  });

  it("say so only after the message that is being sent", async () => {
    const { heard, ended } = await open("/live/");
    const frame = textFrame("x".repeat(300));
    sides[0]?.write(frame.subarray(0, 100));
    await until(() => heard().length === 100);
    test.gateway.drain();
    sides[0]?.write(frame.subarray(100));
    await until(() => ended());
    expect(heard().subarray(0, frame.length)).to.deep.equal(frame);
    expect(heard()[frame.length]).to.equal(0x88);
  });

  it("know the end of every frame, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 2000 }),
        (lengths, size) => {
          const frames = lengths.map((length) => textFrame("y".repeat(length)));
          const bytes = Buffer.concat(frames);
          const stream = new FrameStream();
          const cut = Math.min(size, bytes.length);
          stream.write(bytes.subarray(0, cut));
          const close = closeFrame(1012, "again");
          stream.closeWith(close);
          stream.write(bytes.subarray(cut));
          const out = (stream.read() as Buffer | null) ?? Buffer.alloc(0);
          // Whole frames, then the end: nothing of a frame that has begun is missing.
          let whole = 0;
          for (const frame of frames) if (whole < cut) whole += frame.length;
          expect(out).to.deep.equal(Buffer.concat([bytes.subarray(0, whole), close]));
        },
      ),
      { numRuns: 200 },
    );
  });
});
