import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

/** Names under which a backend may look for who asks, in all spellings. */
const forged: Record<string, string> = {
  // Of a scheme that is not ours: with a token of its own a request does not come to the cookie.
  authorization: "Basic forged",
  Forwarded: "for=6.6.6.6;host=evil.test;proto=http",
  "x-forwarded-for": "6.6.6.6",
  "X-Forwarded-Host": "evil.test",
  "X-FORWARDED-PROTO": "http",
  "x-forwarded-prefix": "/evil",
  "x-forwarded-user": "root",
  "X-Forwarded-Port": "80",
  "X-Forwarded-Server": "evil",
  "X-Real-IP": "6.6.6.6",
  "X-Auth-Request-User": "root",
  "X-Auth-Token": "forged",
  "X-Remote-User": "root",
  "Remote-User": "root",
  "Remote-Groups": "admins",
  "X-User": "root",
  "X-User-Id": "1",
  "X-WebAuth-User": "root",
  "X-Authenticated-User": "root",
  "X-Original-URL": "/admin",
  "X-Rewrite-URL": "/admin",
  "X-Script-Name": "/evil",
  "X-Correlation-ID": "forged",
  Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  Tracestate: "forged=1",
  "SSL-Client-Verify": "SUCCESS",
  "Client-Cert": "forged",
  "True-Client-IP": "6.6.6.6",
  "CF-Connecting-IP": "6.6.6.6",
  Proxy: "http://evil.test",
  X_Forwarded_For: "6.6.6.6",
  "x_forwarded-user": "root",
  Remote_User: "root",
  HTTP_X_REAL_IP: "6.6.6.6",
  "X.Forwarded.For": "6.6.6.6",
};

describe("attack: forged identity headers (weakness 36)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("sends a service who is signed in, and nothing else that could say so", async () => {
    const cookie = test.core.signIn();
    await test.ask("/codex/a", {
      cookie,
      headers: { ...forged, "X-Webhook-Secret": "kept", Accept: "a/b", "X-Custom": "kept" },
    });
    const { headers, rawHeaders } = test.service.only;
    const { host, connection, "x-correlation-id": id = "", traceparent, ...rest } = headers;
    expect(host).to.equal(new URL(test.service.url).host);
    expect(connection).to.equal("keep-alive");
    expect(id).to.match(/^[0-9a-f-]{36}$/);
    const trace = String(id).replaceAll("-", "");
    expect(traceparent).to.equal(`00-${trace}-${trace.slice(16)}-01`);
    expect(rest).to.deep.equal({
      authorization: `Bearer ${test.core.session(cookie).token}`,
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "hive.test",
      "x-forwarded-prefix": "/codex",
      "x-webhook-secret": "kept",
      "x-custom": "kept",
      accept: "a/b",
    });
    const names = rawHeaders
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    expect(new Set(names).size).to.equal(names.length);
  });

  it("sends no Authorization at all on a public path, signed in or not", async () => {
    const cookie = test.core.signIn(["client"]);
    await test.ask("/beacon/display", { headers: forged });
    await test.ask("/beacon/display", { headers: forged, cookie });
    expect(test.service.received).to.have.length(2);
    for (const { headers } of test.service.received) {
      expect(headers).to.not.have.property("authorization");
      expect(headers["x-forwarded-for"]).to.equal("127.0.0.1");
      expect(JSON.stringify(headers)).to.not.match(/forged|evil|root|6\.6\.6\.6/);
    }
  });

  it("answers with the request id it sent to the service (weakness 37)", async () => {
    const cookie = test.core.signIn();
    const { headers } = await test.ask("/codex/", { cookie, headers: forged });
    expect(headers["x-correlation-id"]).to.equal(test.service.only.headers["x-correlation-id"]);
  });
});

describe("attack: request smuggling", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  const line = "POST /beacon/display HTTP/1.1\r\n";
  const host = "Host: hive.test\r\n";
  const attacks = {
    "Content-Length and Transfer-Encoding": `${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "two Content-Lengths": `${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    "a Content-Length that is no number": `${host}Content-Length: +5\r\n\r\nhello`,
    "an odd Transfer-Encoding": `${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    "a space before the colon": `${host}Content-Length : 5\r\n\r\nhello`,
    "a folded header": `${host}X-A: b\r\n Content-Length: 5\r\n\r\nhello`,
    "two Hosts": `${host}Host: evil.test\r\nContent-Length: 0\r\n\r\n`,
    "no Host": "Content-Length: 0\r\n\r\n",
  };
  for (const [what, rest] of Object.entries(attacks)) {
    it(`refuses ${what}`, async () => {
      const socket = await test.connect();
      socket.write(line + rest);
      const [head] = (await socket.take(1).toArray()) as Buffer[];
      expect(String(head)).to.match(/^HTTP\/1\.1 400 /);
      socket.destroy();
      expect(test.service.received).to.deep.equal([]);
    });
  }

  it("forwards a body by its own framing alone", async () => {
    const cookie = test.core.signIn();
    const body = "GET /codex/admin HTTP/1.1\r\nHost: x\r\n\r\n";
    await test.ask("/codex/a", {
      method: "POST",
      cookie,
      headers: { "transfer-encoding": "chunked" },
      body,
    });
    expect(test.service.only.body.toString()).to.equal(body);
  });
});
