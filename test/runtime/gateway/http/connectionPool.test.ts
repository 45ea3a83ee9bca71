import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { expect } from "chai";
import fc from "fast-check";

import type { Controller, ResponseHandler } from "../../../../runtime/gateway/http/connection.ts";
import { ConnectionPool } from "../../../../runtime/gateway/http/connectionPool.ts";
import { until } from "../../../support/gateway.ts";

interface Outcome {
  status?: number;
  headers: Record<string, unknown>;
  body: string;
  trailers?: Record<string, unknown>;
  fault?: Error;
}

/** Keeps what it is told, and whether it was told too much. */
class Taker implements ResponseHandler {
  readonly outcome: Outcome = { headers: {}, body: "" };
  readonly over: Promise<Outcome>;
  #end: (outcome: Outcome) => void = () => undefined;
  #isOver = false;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onRequestStart(): void {
    this.#check();
  }

  onResponseStart(_controller: Controller, status: number, headers: Record<string, unknown>): void {
    this.#check();
    Object.assign(this.outcome, { status, headers });
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#check();
    this.outcome.body += chunk.toString("latin1");
  }

  onResponseEnd(_controller: Controller, trailers: Record<string, unknown>): void {
    this.#check();
    this.#isOver = true;
    this.#end(Object.assign(this.outcome, { trailers }));
  }

  onResponseError(_controller: Controller | null, fault: Error): void {
    this.#check();
    this.#isOver = true;
    this.#end(Object.assign(this.outcome, { fault }));
  }

  #check(): void {
    if (this.#isOver) throw new Error("told more after the end");
  }
}

describe("connections to a backend", () => {
  let server: Server;
  let pool: ConnectionPool;
  let connections: number;
  /** What the backend does with a request. */
  let answer: (socket: Socket, request: string) => void;

  beforeEach(async () => {
    connections = 0;
    server = createServer((socket) => {
      connections += 1;
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        answer(socket, data.toString("latin1"));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    pool = makePool();
  });

  function makePool(): ConnectionPool {
    const { port } = server.address() as AddressInfo;
    return new ConnectionPool({
      origin: `http://127.0.0.1:${String(port)}`,
      ...{ most: 2, connectTimeout: 5000, keepAlive: 60_000 },
    });
  }
  afterEach(async () => {
    pool.destroy();
    server.close();
    await once(server, "close");
  });

  function ask(method = "GET", timeout = 5000): Promise<Outcome> {
    const taker = new Taker();
    pool.send({ method, path: "/a?b", headers: ["X-A", "1"], timeout }, taker);
    return taker.over;
  }

  /** By a backend that ends the connection: the next request needs another one. */
  async function answered(bytes: string, method = "GET", cut = bytes.length): Promise<Outcome> {
    answer = (socket) => {
      socket.write(bytes.slice(0, cut), "latin1");
      setImmediate(() => socket.end(bytes.slice(cut), "latin1"));
    };
    pool.destroy();
    pool = makePool();
    return ask(method);
  }

  it("sends what it is given, one request after the other on one connection", async () => {
    const requests: string[] = [];
    answer = (socket, request) => {
      requests.push(request);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    };
    for (let round = 0; round < 3; round += 1) {
      expect(await ask()).to.deep.include({ status: 200, body: "ok", trailers: {} });
    }
    expect(connections).to.equal(1);
    expect(requests[0]).to.match(
      /^GET \/a\?b HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nX-A: 1\r\nConnection: keep-alive\r\n\r\n$/,
    );
  });

  it("lets more requests wait than there may be connections", async () => {
    answer = (socket) => {
      setImmediate(() => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
    };
    const all = await Promise.all(Array.from({ length: 9 }, () => ask()));
    expect(all.map(({ status }) => status)).to.deep.equal(Array(9).fill(204));
    expect(connections).to.equal(2);
    expect(pool.queued).to.equal(0);
  });

  const whole: Readonly<Record<string, readonly [bytes: string, body: string]>> = {
    "a length": ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "abc"],
    "the same length twice": [
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nContent-Length: 3\r\n\r\nabc",
      "abc",
    ],
    chunks: [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
      "abcd",
    ],
    "the end of the connection": ["HTTP/1.1 200 OK\r\n\r\nabc", "abc"],
    "HTTP/1.0": ["HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a"],
    "an answer before": [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\ncontent-length:1\r\n\r\na",
      "a",
    ],
  };
  for (const [what, [bytes, body]] of Object.entries(whole)) {
    it(`reads an answer that ends by ${what}, however it is cut`, async () => {
      for (let cut = 1; cut < bytes.length; cut += 3) {
        const outcome = await answered(bytes, "GET", cut);
        expect(outcome.fault, String(cut)).to.equal(undefined);
        expect(outcome).to.include({ status: 200, body });
      }
    });
  }

  it("reads trailers, repeated headers, and no body where there is none", async () => {
    const trailers = await answered(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nA: 1\r\na: 2\r\n\r\n0\r\nX-Sum: 9\r\n\r\n",
    );
    expect(trailers.trailers).to.deep.equal({ "x-sum": "9" });
    expect(trailers.headers["a"]).to.deep.equal(["1", "2"]);
    const head = await answered("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD");
    expect(head).to.deep.include({ status: 200, body: "", trailers: {} });
  });

  const broken: Readonly<Record<string, string>> = {
    "no HTTP": "SSH-2.0-OpenSSH\r\n\r\n",
    "another version": "HTTP/2 200 OK\r\n\r\n",
    "no status": "HTTP/1.1 OK\r\n\r\n",
    "a folded line": "HTTP/1.1 200 OK\r\nA: 1\r\n b\r\n\r\n",
    "a space before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na",
    "a bare line feed": "HTTP/1.1 200 OK\r\nA: 1\nB: 2\r\n\r\n",
    "a zero byte": "HTTP/1.1 200 OK\r\nA: \u0000\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks":
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
    "an unknown coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without a length": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk without its end": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "another protocol": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "half a head": "HTTP/1.1 200 OK\r\nA",
    "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    "half a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    "a head without an end": `HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`,
    nothing: "",
  };
  for (const [what, bytes] of Object.entries(broken)) {
    it(`is told of a fault when there is ${what}`, async () => {
      expect((await answered(bytes)).fault).to.be.instanceOf(Error);
    });
  }

  it("never gives one request what was said after the answer to another", async () => {
    answer = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    };
    for (let round = 0; round < 5; round += 1) {
      const { body, fault } = await ask();
      // Either the answer, or a connection that was closed for what came unasked.
      if (fault === undefined) expect(body).to.equal("a");
    }
    expect(connections).to.be.greaterThan(1);
  });

  it("gives up when no answer begins in time, and when nobody listens", async () => {
    answer = () => undefined;
    const late = await ask("GET", 300);
    expect(late.fault).to.include({ code: "UND_ERR_HEADERS_TIMEOUT" });
    const gone = new ConnectionPool({
      origin: "http://127.0.0.1:1",
      ...{ most: 1, connectTimeout: 1000, keepAlive: 1000 },
    });
    const taker = new Taker();
    gone.send({ method: "GET", path: "/", headers: [], timeout: 1000 }, taker);
    expect((await taker.over).fault).to.include({ code: "ECONNREFUSED" });
    gone.destroy();
  });

  it("lets go of what is aborted, waiting or under way", async () => {
    let closed = 0;
    answer = (socket) => {
      socket.once("close", () => (closed += 1));
    };
    const takers = Array.from({ length: 3 }, () => new Taker());
    const request = { method: "GET", path: "/", headers: [], timeout: 60_000 };
    const controllers = takers.map((taker) => pool.send(request, taker));
    await until(() => connections === 2);
    expect(pool.queued).to.equal(1);
    for (const controller of controllers.toReversed()) controller.abort(new Error("left"));
    expect(pool.queued).to.equal(0);
    await until(() => closed === 2);
  });

  it("survives any bytes: an end or a fault, once", async () => {
    const piece = fc.constantFrom(
      ...["HTTP/1.1 200 OK", "HTTP/1.0 204 x", "\r\n", "\n", "\r", "\r\n\r\n", ": ", ":", "a", "0"],
      ...["Content-Length: 3", "Transfer-Encoding: chunked", "Connection: close", "3\r\nabc\r\n"],
      ...["0\r\n\r\n", "ffffffffffff\r\n", "\u0000", "abc", "HTTP/1.1 100 C\r\n\r\n", ";x"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const outcome = await answered(pieces.join(""));
        expect(outcome.fault !== undefined || outcome.trailers !== undefined).to.equal(true);
      }),
      { numRuns: 300 },
    );
  });
});
