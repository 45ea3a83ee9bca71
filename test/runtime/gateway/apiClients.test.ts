import { expect } from "chai";

import { ApiClients } from "../../../runtime/gateway/apiClients.ts";
import type { Session } from "../../../runtime/gateway/coreClient.ts";
import { TestGateway, window } from "../../support/gateway.ts";

describe("programs that show a token of the platform", () => {
  let test: TestGateway;
  let cookie: string;
  let token: string;

  beforeEach(async () => {
    test = await TestGateway.start();
    cookie = test.core.signIn(["admins"], { token: sign("one") });
    ({ token } = test.core.session(cookie));
  });
  afterEach(() => test.close());

  const bearer = (value: string) => ({ authorization: `Bearer ${value}` });

  it("get what its user may have, and the service gets the token", async () => {
    const { status } = await test.ask("/codex/x", { headers: bearer(token) });
    expect(status).to.equal(200);
    expect(test.service.only.headers.authorization).to.equal(`Bearer ${token}`);
    expect(test.service.only.headers).not.to.have.property("cookie");
  });

  it("are bound by the user's groups", async () => {
    const client = test.core.session(test.core.signIn(["client"], { token: sign("two") })).token;
    expect((await test.ask("/helm/", { headers: bearer(client) })).status).to.equal(403);
  });

  it("get 401 as JSON with a token that is not valid, even where a page was wanted", async () => {
    const headers = { ...window, ...bearer("no.such.token") };
    const { status, headers: sent, body } = await test.ask("/codex/x", { headers });
    expect(status).to.equal(401);
    expect(sent["content-type"]).to.include("json");
    expect(sent["www-authenticate"]).to.equal('Bearer error="invalid_token"');
    expect(JSON.parse(body)).to.include({ code: "ERR_TOKEN" });
    expect(test.service.received).to.have.length(0);
  });

  it("are not helped by a cookie when the token is no good", async () => {
    const { status } = await test.ask("/codex/x", { cookie, headers: bearer("no.such.token") });
    expect(status).to.equal(401);
  });

  it("are refused within a second of the end of the session", async () => {
    expect((await test.ask("/codex/x", { headers: bearer(token) })).status).to.equal(200);
    test.core.sessions.delete(cookie);
    const start = performance.now();
    while ((await test.ask("/codex/x", { headers: bearer(token) })).status === 200) {
      expect(performance.now() - start).to.be.lessThan(5000);
    }
    expect(performance.now() - start).to.be.lessThan(1500);
  });

  it("are asked about at core once a second, and bounded in number", async () => {
    let now = 0;
    let asked = 0;
    const clients = new ApiClients({
      now: () => now,
      core: {
        validate: (shown) => {
          asked += 1;
          return Promise.resolve({ id: shown } as Session);
        },
      },
    });
    for (const shown of ["a", "a", "b"]) expect((await clients.find(shown))?.id).to.equal(shown);
    expect(asked).to.equal(2);
    now += 1000;
    await clients.find("a");
    expect(asked).to.equal(3);
    for (let number = 0; number < 1000; number++) await clients.find(`token ${number}`);
    await clients.find("b");
    expect(asked).to.equal(1004);
  });

  it("get 503 while core is away", async () => {
    test.core.outage = 0;
    expect((await test.ask("/codex/x", { headers: bearer(token) })).status).to.equal(503);
  });
});

/** The stand-in for core looks at no signature. */
function sign(jti: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return `${part({ alg: "RS256" })}.${part({ jti, exp })}.c2lnbmF0dXJl`;
}
