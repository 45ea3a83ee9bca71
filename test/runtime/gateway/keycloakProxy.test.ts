import { expect } from "chai";

import { TestGateway } from "../../support/gateway.ts";

describe("Keycloak behind the gateway (weakness 17)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("attack: neither administration nor another realm is reached", async () => {
    for (const path of [
      ...["/keycloak", "/keycloak/", "/keycloak/admin/", "/keycloak/admin/master/console/"],
      ...["/keycloak/realms/master/", "/keycloak/realms/master/protocol/openid-connect/token"],
      ...[
        "/keycloak/realms/hivematrix",
        "/keycloak/realms/hivematrixx/a",
        "/keycloak/realms/Hivematrix/a",
      ],
      ...[
        "/keycloak/metrics",
        "/keycloak/health",
        "/keycloak/resources",
        "/keycloak/js/keycloak.js",
      ],
    ]) {
      for (const method of ["GET", "POST"]) {
        expect((await test.ask(path, { method })).status, path).to.equal(404);
      }
    }
    // Upstream opens these without the prefix.
    expect((await test.ask("/realms/hivematrix/account")).status).to.equal(401);
    expect((await test.ask("/resources/x")).status).to.equal(401);
    expect(test.keycloak.received).to.deep.equal([]);
  });

  it("forwards the realm and the files of its pages without the prefix", async () => {
    const target = "/realms/hivematrix/login-actions/authenticate?session_code=a%2Fb&x=1&x=2";
    await test.ask(`/keycloak${target}`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        cookie: "AUTH_SESSION_ID=1; KC_RESTART=2",
        authorization: "Bearer keycloaks-own",
        origin: "null",
        "x-forwarded-for": "6.6.6.6",
      },
      body: "username=ada",
    });
    const { method, url, headers, body } = test.keycloak.only;
    expect(method).to.equal("POST");
    expect(url).to.equal(target);
    expect(body.toString()).to.equal("username=ada");
    expect(headers).to.include({
      cookie: "AUTH_SESSION_ID=1; KC_RESTART=2",
      authorization: "Bearer keycloaks-own",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "hive.test",
    });
    expect(headers).to.not.have.property("x-forwarded-prefix");
  });

  it("passes cookies and pages back as they are, and addresses that name the back end rewritten", async () => {
    test.keycloak.serve = (_request, response) => {
      response.writeHead(302, {
        "set-cookie": [
          "KC=1; Path=/keycloak/realms/hivematrix/; Secure",
          "__Host-hivematrix=x; Path=/",
        ],
        location: `${test.keycloak.url}/realms/hivematrix/x?y`,
        "content-security-policy": "frame-src 'self'; frame-ancestors 'self'; object-src 'none';",
        "referrer-policy": "no-referrer",
      });
      response.end();
    };
    const { status, headers } = await test.ask("/keycloak/realms/hivematrix/a");
    expect(status).to.equal(302);
    expect(headers.location).to.equal("https://hive.test/keycloak/realms/hivematrix/x?y");
    expect(headers["set-cookie"]).to.deep.equal([
      "KC=1; Path=/keycloak/realms/hivematrix/; Secure",
    ]);
    expect(headers["content-security-policy"]).to.equal(
      "frame-src 'self'; frame-ancestors 'self'; object-src 'none';",
    );
    expect(headers["referrer-policy"]).to.equal("no-referrer");
    expect(headers["strict-transport-security"]).to.equal("max-age=31536000");
  });
});
