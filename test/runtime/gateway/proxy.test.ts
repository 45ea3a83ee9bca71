import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { buffer } from "node:stream/consumers";
import { expect } from "chai";

import { TestGateway, until, window } from "../../support/gateway.ts";

describe("streaming through the gateway (weakness 33)", () => {
  let test: TestGateway;
  let cookie: string;
  beforeEach(async () => {
    test = await TestGateway.start({
      options: { bodyLimit: 1_000_000, upstreams: { headersTimeout: 1000, connectTimeout: 1000 } },
    });
    cookie = test.core.signIn();
  });
  afterEach(() => test.close());

  it("passes each piece of an answer on when it comes", async () => {
    let answer: ServerResponse | undefined;
    test.service.stream = (_request, response) => {
      answer = response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
    };
    const response = await test.open("/codex/events", { cookie });
    expect(response.headers["content-type"]).to.equal("text/event-stream");
    for (const piece of ["data: 1\n\n", "data: 2\n\n"]) {
      answer?.write(piece);
      const [chunk] = (await once(response, "data")) as [Buffer];
      expect(chunk.toString()).to.equal(piece);
    }
    response.destroy();
  });

  it("ends an event stream when its session ends, at core's word", async () => {
    test.service.stream = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    };
    const response = await test.open("/codex/events", { cookie });
    const closed = new Promise((resolve) => response.once("error", resolve).resume());
    test.core.emit("session.ended", test.core.session(cookie).id);
    await closed;
    expect(response.complete).to.equal(false);
  });

  it("ends it also when the session ended before the stream began", async () => {
    let begin: (() => void) | undefined;
    test.service.stream = (_request, response) => {
      begin = () => {
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      };
    };
    const opening = test.open("/codex/events", { cookie }).catch((fault: unknown) => fault);
    await until(() => begin !== undefined);
    const { id } = test.core.session(cookie);
    test.core.sessions.clear();
    test.core.emit("session.ended", id);
    const deadline = Date.now() + 900;
    const other = (): Promise<number> =>
      test.ask("/codex", { cookie }).then(({ status }) => status);
    while ((await other()) !== 401) {
      if (Date.now() > deadline) throw new Error("the session does not end");
    }
    begin?.();
    const response = await opening;
    if (response instanceof Error) return;
    await new Promise((resolve) => (response as IncomingMessage).once("error", resolve).resume());
  });

  it("lets go of the back end when the client goes", async () => {
    let left = false;
    test.service.stream = (_request, response) => {
      response.writeHead(200).flushHeaders();
      response.once("close", () => {
        left = true;
      });
    };
    (await test.open("/codex/slow", { cookie })).destroy();
    await until(() => left);
    test.service.stream = () => undefined;
    const socket = await test.connect();
    const head = `Host: hive.test\r\nCookie: __Host-hivematrix=${cookie}\r\n\r\n`;
    socket.write(`GET /codex/never HTTP/1.1\r\n${head}`);
    await until(() => test.core.count("/v1/sessions/resolve") > 0);
    socket.destroy();
    await until(() => test.lines.some(({ context }) => context?.["status"] === 499));
  });

  it("does not read faster from a back end than the client reads", async () => {
    let written = 0;
    test.service.stream = (_request, response) => {
      response.writeHead(200);
      const piece = Buffer.alloc(65_536);
      const write = (): void => {
        while (written < 200_000_000) {
          written += piece.length;
          if (!response.write(piece)) {
            response.once("drain", write);
            return;
          }
        }
        response.end();
      };
      write();
    };
    const response = await test.open("/codex/large", { cookie });
    // Nobody reads: what is written comes to rest at what the buffers on the way hold.
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(written).to.be.lessThan(50_000_000);
    response.destroy();
  });

  it("passes a body on while it is being sent, and its end", async () => {
    const pieces: string[] = [];
    test.service.stream = (request, response) => {
      request.on("data", (chunk: Buffer) => pieces.push(chunk.toString()));
      request.once("end", () => response.end("done"));
    };
    const request = httpsRequest({
      ...{ host: "127.0.0.1", port: test.port, servername: "hive.test", agent: false },
      ...{ rejectUnauthorized: false, method: "POST", path: "/codex/up" },
      headers: { host: "hive.test", cookie: `__Host-hivematrix=${cookie}` },
    });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    request.write("one");
    await until(() => pieces.length === 1);
    request.end("two");
    const [response] = await answered;
    expect((await buffer(response)).toString()).to.equal("done");
    expect(pieces).to.deep.equal(["one", "two"]);
  });

  it("refuses a body above the limit with 413, told or not", async () => {
    const told = await test.ask("/codex/", {
      method: "POST",
      cookie,
      body: Buffer.alloc(1_000_001),
    });
    expect(told.status).to.equal(413);
    expect(JSON.parse(told.body)).to.include({ code: "ERR_BODY_TOO_LARGE" });
    const untold = await test.ask("/codex/", {
      method: "POST",
      cookie,
      headers: { "transfer-encoding": "chunked" },
      body: Buffer.alloc(1_500_000),
    });
    expect(untold.status).to.equal(413);
    expect(test.service.received).to.deep.equal([]);
    const just = await test.ask("/codex/", {
      method: "POST",
      cookie,
      body: Buffer.alloc(1_000_000),
    });
    expect(just.status).to.equal(200);
  });

  it("brings an answer that comes before the body is read", async () => {
    test.service.stream = (_request, response) => {
      response.writeHead(401).end("no");
    };
    const { status, body } = await test.ask("/codex/", {
      method: "POST",
      cookie,
      body: Buffer.alloc(900_000),
    });
    expect([status, body]).to.deep.equal([401, "no"]);
  });

  it("keeps the client's connection usable after such an answer", async () => {
    test.service.stream = (request, response) => {
      if (request.method === "POST") response.writeHead(401).end("no");
      else response.end("yes");
    };
    const socket = await test.connect();
    const head = `Host: hive.test\r\nCookie: __Host-hivematrix=${cookie}\r\n`;
    socket.write(`POST /codex/ HTTP/1.1\r\n${head}Content-Length: 900000\r\n\r\nx`);
    let heard = "";
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    await until(() => heard.includes("401"));
    socket.write(Buffer.alloc(899_999));
    socket.write(`GET /codex/ HTTP/1.1\r\n${head}\r\n`);
    await until(() => heard.endsWith("yes"));
    socket.destroy();
  });

  it("answers 502 when the service is not there, as a page or as a problem", async () => {
    await test.service.close();
    const problem = await test.ask("/codex/", { cookie });
    expect(problem.status).to.equal(502);
    expect(JSON.parse(problem.body)).to.include({
      code: "ERR_UPSTREAM",
      detail: "Service temporarily unavailable",
    });
    const page = await test.ask("/codex/", { cookie, headers: window });
    expect(page.status).to.equal(502);
    expect(page.body).to.include("Service temporarily unavailable");
    expect(page.body).to.not.match(/127\.0\.0\.1|ECONN/);
    await test.service.start();
  });

  it("answers 504 when the service does not answer in time", async () => {
    test.service.stream = () => undefined;
    expect((await test.ask("/codex/", { cookie })).status).to.equal(504);
  });

  it("asks once more when a kept connection breaks, but never repeats a change", async () => {
    let calls = 0;
    test.service.stream = (request, response) => {
      calls += 1;
      if (calls === 1) request.socket.destroy();
      else response.end("ok");
    };
    expect((await test.ask("/codex/", { cookie })).status).to.equal(200);
    calls = 0;
    expect((await test.ask("/codex/", { method: "POST", cookie, body: "x" })).status).to.equal(502);
    expect(calls).to.equal(1);
  });

  it("cuts off what the service cut off, so that nobody takes it for whole", async () => {
    test.service.stream = (_request, response) => {
      response.writeHead(200).write("half");
      setImmediate(() => response.destroy());
    };
    const response = await test.open("/codex/", { cookie });
    let fault: unknown;
    await buffer(response).catch((caught: unknown) => {
      fault = caught;
    });
    expect(fault).to.be.instanceOf(Error);
  });

  it("keeps status, repeated headers and answers without a body", async () => {
    for (const status of [204, 304, 404, 418, 500]) {
      test.service.serve = (_request, response) => {
        response.writeHead(status, { link: ["<a>", "<b>"], etag: '"x"' }).end();
      };
      const { headers, ...answer } = await test.ask("/codex/", { cookie });
      expect(answer.status).to.equal(status);
      expect(headers["link"]).to.equal("<a>, <b>");
      expect(headers.etag).to.equal('"x"');
    }
    test.service.serve = (_request, response) => {
      response.writeHead(200, { "content-length": 1234, "content-type": "text/html" }).end();
    };
    const head = await test.ask("/codex/", { method: "HEAD", cookie });
    expect(head.headers["content-length"]).to.equal("1234");
  });
});
