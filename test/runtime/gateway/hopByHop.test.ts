import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

describe("attack: headers of one hop (weakness 36)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("does not forward them, nor those that Connection names", async () => {
    const cookie = test.core.signIn();
    await test.ask("/codex/", {
      cookie,
      headers: {
        Connection: "close, X-Secret-Hop, X-Forwarded-For, Authorization, X-Correlation-ID",
        "X-Secret-Hop": "1",
        "Keep-Alive": "timeout=5",
        "Proxy-Connection": "keep-alive",
        "Proxy-Authorization": "Basic eDp5",
        TE: "trailers",
        Upgrade: "websocket",
        "HTTP2-Settings": "x",
      },
    });
    const { headers } = test.service.only;
    expect(Object.keys(headers).sort()).to.deep.equal([
      "authorization",
      "connection",
      "host",
      "traceparent",
      "x-correlation-id",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-prefix",
      "x-forwarded-proto",
    ]);
    expect(headers.connection).to.equal("keep-alive");
  });

  it("does not pass them back, nor what a backend says of itself", async () => {
    const cookie = test.core.signIn();
    test.service.serve = (_request, response) => {
      response.writeHead(200, {
        Connection: "close, X-Hop",
        "X-Hop": "1",
        "Keep-Alive": "timeout=99",
        "Proxy-Authenticate": "Basic",
        Server: "Werkzeug/3",
        "X-Powered-By": "x",
        "Alt-Svc": "h3",
        "Clear-Site-Data": '"cookies"',
        "Service-Worker-Allowed": "/",
        "X-Correlation-ID": "theirs",
        "X-Kept": "1",
        Date: "Thu, 01 Jan 2026 00:00:00 GMT",
      });
      response.end("ok");
    };
    const response = await test.open("/codex/", { cookie });
    const { headers, rawHeaders } = response;
    response.resume();
    for (const name of [
      ...["x-hop", "proxy-authenticate", "server", "x-powered-by", "alt-svc"],
      ...["clear-site-data", "service-worker-allowed"],
    ]) {
      expect(headers, name).to.not.have.property(name);
    }
    expect(headers["keep-alive"]).to.not.equal("timeout=99");
    expect(headers["x-kept"]).to.equal("1");
    expect(headers["x-correlation-id"]).to.equal(test.service.only.headers["x-correlation-id"]);
    expect(rawHeaders.filter((name) => name.toLowerCase() === "date")).to.have.length(1);
  });

  it("does not accept TRACE, which would show the token", async () => {
    const cookie = test.core.signIn();
    const { status, headers } = await test.ask("/codex/", { method: "TRACE", cookie });
    expect(status).to.equal(405);
    expect(headers["allow"]).to.equal("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    expect(test.service.received).to.deep.equal([]);
  });
});
