import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

describe("what comes after a body, and parts of one", () => {
  let test: TestGateway;
  let cookie: string;
  beforeEach(async () => {
    test = await TestGateway.start();
    cookie = test.core.signIn();
  });
  afterEach(() => test.close());

  it("are passed on: trailers of an answer", async () => {
    test.service.stream = (_request, response) => {
      response.writeHead(200, { trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    };
    const response = await test.open("/codex/", { cookie });
    let body = "";
    for await (const chunk of response) body += String(chunk);
    expect([body, response.trailers["x-sum"]]).to.deep.equal(["body", "42"]);
  });

  it("take nothing from a request that has some: they may be left out (RFC 9110, 6.5.1)", async () => {
    const socket = await test.connect();
    socket.write(
      `POST /codex/ HTTP/1.1\r\nHost: hive.test\r\nCookie: __Host-hivematrix=${cookie}\r\n` +
        "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Forwarded-User: root\r\n\r\n",
    );
    let heard = "";
    for await (const chunk of socket) heard += String(chunk);
    expect(heard).to.match(/^HTTP\/1\.1 200 /);
    expect(test.service.only.body.toString()).to.equal("abc");
    expect(test.service.only.headers).to.not.have.any.keys("x-sum", "x-forwarded-user");
  });

  it("are passed on: ranges, and conditions on them", async () => {
    test.service.serve = (request, response) => {
      expect(request.headers).to.include({ range: "bytes=1-2", "if-range": '"a"' });
      response.writeHead(206, { "content-range": "bytes 1-2/4", "content-type": "text/html" });
      response.end("bc");
    };
    const { status, headers, body } = await test.ask("/codex/a.html", {
      cookie,
      headers: {
        range: "bytes=1-2",
        "if-range": '"a"',
        accept: "text/html",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      },
    });
    expect([status, headers["content-range"], body]).to.deep.equal([206, "bytes 1-2/4", "bc"]);
  });
});
