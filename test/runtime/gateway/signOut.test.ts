import { expect } from "chai";

import { cookiesOf, TestGateway, window } from "../../support/gateway.ts";

const own = { ...window, "sec-fetch-site": "same-origin" };

describe("signing out (weaknesses 8 and 9)", () => {
  let test: TestGateway;
  let cookie: string;
  beforeEach(async () => {
    test = await TestGateway.start();
    cookie = test.core.signIn();
    test.core.idToken = "id.token.hint";
    await test.ask("/codex/", { cookie });
  });
  afterEach(() => test.close());

  it("ends the session here, at core and at Keycloak", async () => {
    const answer = await test.ask("/logout", { cookie, headers: own });
    expect(answer.status).to.equal(303);
    const { origin, pathname, searchParams } = new URL(answer.headers.location ?? "");
    expect(origin + pathname).to.equal(
      "https://hive.test/keycloak/realms/hivematrix/protocol/openid-connect/logout",
    );
    expect(Object.fromEntries(searchParams)).to.deep.equal({
      client_id: "core-client",
      post_logout_redirect_uri: "https://hive.test/",
      id_token_hint: "id.token.hint",
    });
    expect(answer.headers["clear-site-data"]).to.equal('"cache", "storage"');
    expect(cookiesOf(answer).get("__Host-hivematrix")).to.match(/=; Path=\/; Max-Age=0; Secure/);
    expect(test.core.sessions.size).to.equal(0);
    expect((await test.ask("/codex/", { cookie })).status).to.equal(401);
  });

  it("acts at once for a link of ours, a typed address, or by Referer without Fetch Metadata", async () => {
    for (const headers of [
      own,
      window,
      { accept: "text/html", referer: "https://hive.test/codex/" },
    ]) {
      expect((await test.ask("/logout", { headers })).status).to.equal(303);
    }
  });

  const foreign = {
    "a link of another site": { ...window, "sec-fetch-site": "cross-site" },
    "a link of another port": { ...window, "sec-fetch-site": "same-site" },
    "an image in a page of ours": {
      ...own,
      "sec-fetch-mode": "no-cors",
      "sec-fetch-dest": "image",
    },
    "a frame in a page of ours": { ...own, "sec-fetch-dest": "iframe" },
    "a Referer of another site": { accept: "text/html", referer: "https://evil.test/hive.test" },
    "nothing that says where it comes from": { accept: "text/html" },
  };
  for (const [what, headers] of Object.entries(foreign)) {
    it(`asks first when it comes from ${what}`, async () => {
      const answer = await test.ask("/logout", { cookie, headers });
      expect(answer.status).to.equal(200);
      expect(answer.body).to.include('<form method="post" action="/logout">');
      expect(answer.headers).to.not.have.property("set-cookie");
      expect(test.core.sessions.size).to.equal(1);
    });
  }

  it("takes the form's answer from this origin alone", async () => {
    for (const headers of [{}, { origin: "https://evil.test" }, { origin: "null" }]) {
      const { status } = await test.ask("/logout", { method: "POST", cookie, headers });
      expect(status).to.equal(403);
    }
    expect(test.core.sessions.size).to.equal(1);
    const headers = { origin: "https://hive.test" };
    const { status } = await test.ask("/logout", { method: "POST", cookie, headers });
    expect(status).to.equal(303);
    expect(test.core.sessions.size).to.equal(0);
  });

  it("takes the browser's secret away also while core is not there", async () => {
    test.core.outage = 0;
    const answer = await test.ask("/logout", { cookie, headers: own });
    expect(answer.status).to.equal(303);
    expect(cookiesOf(answer)).to.have.key("__Host-hivematrix");
    expect((await test.ask("/codex/", { cookie })).status).to.equal(503);
  });

  it("allows no other method", async () => {
    for (const method of ["HEAD", "PUT", "DELETE", "OPTIONS"]) {
      expect((await test.ask("/logout", { method, cookie, headers: own })).status).to.equal(405);
    }
  });
});
