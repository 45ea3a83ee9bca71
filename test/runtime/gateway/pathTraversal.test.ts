import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

describe("attack: path traversal past a public prefix (weakness 18)", () => {
  let test: TestGateway;
  before(async () => {
    test = await TestGateway.start();
  });
  after(() => test.close());

  const attacks = [
    "/beacon/display/../api/sync",
    "/beacon/display/%2e%2e/api/sync",
    "/beacon/display/%2E./api/sync",
    "/beacon/display/%252e%252e/api/sync",
    "/beacon/display/..%2fapi/sync",
    "/beacon/display/..%5capi/sync",
    "/beacon/display/..\\api\\sync",
    "/beacon/display/..;/api/sync",
    "/beacon/display//../api/sync",
    "/beacon/display/%00/../api/sync",
    "/beacon/display/%c0%ae%c0%ae/api/sync",
    "/static/../beacon/api/sync",
    "/static/css/..%2f..%2fmain.ts",
    "/keycloak/realms/hivematrix/../master/protocol",
    "/keycloak/realms/hivematrix/%2e%2e/%2e%2e/admin/",
    "/keycloak/resources/..;/admin/",
    "/codex/..%2f..%2fcore/",
    "//beacon/display",
    "/%62eacon/display",
  ];
  for (const path of attacks) {
    it(`refuses ${path} and forwards nothing`, async () => {
      const { status, headers } = await test.ask(path, { method: "POST", body: "x" });
      expect(status).to.equal(400);
      expect(headers["content-type"]).to.equal("application/problem+json");
      expect(test.service.received).to.deep.equal([]);
      expect(test.keycloak.received).to.deep.equal([]);
    });
  }

  it("refuses an absolute address in the request line", async () => {
    const socket = await test.connect();
    socket.end("GET https://hive.test/beacon/display HTTP/1.1\r\nHost: hive.test\r\n\r\n");
    const [head] = (await socket.take(1).toArray()) as Buffer[];
    expect(String(head)).to.match(/^HTTP\/1\.1 400 /);
    expect(test.service.received).to.deep.equal([]);
  });
});

describe("what is forwarded (weakness 31)", () => {
  let test: TestGateway;
  before(async () => {
    test = await TestGateway.start();
  });
  after(() => test.close());

  it("is the path below the service and the query, byte for byte", async () => {
    const cookie = test.core.signIn();
    const targets = [
      "/",
      "/a%20b/%C3%A9/x.y/",
      "/a+b?a=1&a=2&c&d=%2F&e=/../%2e%2e&=&&",
      "/a?",
      "/100%25?q=%",
      "/a(b)c'd*e~f!$&,:@?x='\"<>",
    ];
    for (const target of targets) await test.ask(`/codex${target}`, { cookie });
    expect(test.service.received.map(({ url }) => url)).to.deep.equal(targets);
  });
});
