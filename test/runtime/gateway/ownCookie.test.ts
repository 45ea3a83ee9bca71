import { expect } from "chai";

import { cookiesOf, TestGateway, window } from "../../support/gateway.ts";

describe("attack: the gateway's cookie at a backend (weakness 7)", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("is taken out; the services' own cookies stay as they came", async () => {
    const cookie = test.core.signIn();
    await test.ask("/codex/", {
      headers: {
        cookie:
          `session=flask.signed; __Host-hivematrix=${cookie}; a=1; a=2; b="x=y"; ` +
          "__Host-hivematrix-login-abcdefgh=sealed; __host-HIVEmatrix=x; helm_session=y; bare",
      },
    });
    expect(test.service.only.headers.cookie).to.equal(
      'session=flask.signed; a=1; a=2; b="x=y"; helm_session=y; bare',
    );
    expect(JSON.stringify(test.service.only)).to.not.include(cookie);
  });

  it("is taken out on public paths and for Keycloak too", async () => {
    const cookie = test.core.signIn();
    await test.ask("/beacon/display", { cookie });
    await test.ask("/keycloak/realms/hivematrix/account", { cookie });
    expect(test.service.only.headers).to.not.have.property("cookie");
    expect(test.keycloak.only.headers).to.not.have.property("cookie");
  });

  it("cannot be set by a service, whose other cookies all arrive", async () => {
    const cookie = test.core.signIn();
    const kept = ["session=x; HttpOnly; Path=/", "a=1; Path=/codex", "session2=y"];
    test.service.serve = (_request, response) => {
      response.setHeader("set-cookie", [
        ...kept,
        "__Host-hivematrix=stolen; Path=/; Secure",
        " __HOST-HIVEMATRIX=stolen; Path=/; Secure",
        "=__Host-hivematrix=stolen; Path=/; Secure",
        "__Host-hivematrix-login-abcdefgh=x; Path=/; Secure",
      ]);
      response.end();
    };
    const { headers } = await test.ask("/codex/", { cookie });
    expect(headers["set-cookie"]).to.deep.equal(kept);
  });

  it("is nothing when it stands there twice, or is no secret of core's form", async () => {
    const [one, other] = [test.core.signIn(), test.core.signIn()];
    for (const text of [
      `__Host-hivematrix=${one}; __Host-hivematrix=${other}`,
      "__Host-hivematrix=short",
      `__Host-hivematrix=${one}x`,
      `__Host-hivematrix=`,
    ]) {
      const { status } = await test.ask("/codex/", { headers: { cookie: text } });
      expect(status).to.equal(401);
    }
    expect(test.core.count("/v1/sessions/resolve")).to.equal(0);
  });

  it("is removed from the browser when its session is over", async () => {
    const cookie = test.core.signIn();
    test.core.sessions.clear();
    const answer = await test.ask("/codex/", { cookie, headers: window });
    expect(answer.status).to.equal(302);
    expect(cookiesOf(answer).get("__Host-hivematrix")).to.equal(
      "__Host-hivematrix=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
    );
  });
});
