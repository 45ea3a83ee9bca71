import { expect } from "chai";

import { describeAgent } from "../../../runtime/gateway/page/sessionsBody.ts";
import { publicOrigin, TestGateway, window } from "../../support/gateway.ts";

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

function line(id: string, changes: object = {}) {
  return {
    id,
    user: { sub: "u1", name: "Ada <b>", permission_level: "admin", groups: ["admins"] },
    address: "192.0.2.7",
    agent: firefox,
    minted: false,
    created_at: "2026-11-24T10:00:00.000Z",
    seen_at: "2026-11-24T11:30:00.000Z",
    expires_at: "2026-11-24T20:00:00.000Z",
    current: false,
    ...changes,
  };
}

describe("weakness 66: the page of one's sessions", () => {
  let test: TestGateway;
  let cookie: string;

  beforeEach(async () => {
    test = await TestGateway.start();
    cookie = test.core.signIn();
    test.core.sessionApi.lines = [line("s1", { current: true }), line("s2", { agent: null })];
  });
  afterEach(() => test.close());

  const get = (path: string, as = cookie) => test.ask(path, { cookie: as, headers: window });
  const post = (body: string, headers: Record<string, string> = {}) =>
    test.ask("/sessions", {
      method: "POST",
      cookie,
      body,
      headers: {
        ...window,
        "sec-fetch-site": "same-origin",
        origin: publicOrigin,
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
    });
  const asked = (path: string) =>
    test.core.requests.filter((request) => request.path === path).map(({ body }) => body);

  it("shows where one is signed in, with a button for each and for all", async () => {
    const { status, body } = await get("/sessions");
    expect(status).to.equal(200);
    expect(body).to.include("Firefox on Linux").and.include("192.0.2.7").and.include("this one");
    expect(body).to.include('name="id" value="s2"').and.include("Sign out everywhere");
    expect(asked("/v1/sessions/list")).to.deep.equal([{ cookie, everybody: false }]);
  });

  it("shows everybody's to administrators, with names that are no markup", async () => {
    const { body } = await get("/sessions?everybody=yes");
    expect(body).to.include("Ada &lt;b&gt;").and.not.include("Ada <b>");
    expect(body).to.include('name="sub" value="u1"');
    expect(asked("/v1/sessions/list")).to.deep.equal([{ cookie, everybody: true }]);
    const client = test.core.signIn(["client"], {
      user: {
        sub: "u2",
        name: "Bob",
        email: undefined,
        preferred_username: "bob",
        permission_level: "client",
        groups: ["client"],
      },
    });
    expect((await get("/sessions", client)).body).not.to.include("everybody");
  });

  it("is 403 where core says that it is not for this user", async () => {
    test.core.sessionApi.refusal = 403;
    expect((await get("/sessions?everybody=yes")).status).to.equal(403);
  });

  it("ends one, one user's and one's own", async () => {
    expect((await post("id=s2")).headers.location).to.equal("/sessions");
    expect((await post("id=s2&everybody=yes")).headers.location).to.equal(
      "/sessions?everybody=yes",
    );
    expect((await post("sub=u1&everybody=yes")).status).to.equal(303);
    // At Keycloak too, which would sign in again by itself.
    expect((await post("")).headers.location).to.equal("/logout");
    expect(asked("/v1/sessions/end-one")).to.deep.equal([
      { cookie, id: "s2" },
      { cookie, id: "s2" },
    ]);
    expect(asked("/v1/sessions/end-everywhere")).to.deep.equal([{ cookie, sub: "u1" }, { cookie }]);
  });

  for (const [title, headers] of [
    ["another site", { origin: "https://evil.test", "sec-fetch-site": "cross-site" }],
    ["another port", { origin: "https://hive.test:1", "sec-fetch-site": "same-site" }],
    ["nobody knows where", { origin: "null", "sec-fetch-site": "none" }],
  ] as const) {
    it(`does nothing for a form of ${title}`, async () => {
      expect((await post("id=s2", headers)).status).to.equal(403);
      expect(asked("/v1/sessions/end-one")).to.deep.equal([]);
    });
  }

  it("is for who is signed in, by a cookie", async () => {
    const { status, headers } = await test.ask("/sessions", { headers: window });
    expect(status).to.equal(302);
    expect(headers.location).to.equal("/login?next=%2Fsessions");
    expect((await test.ask("/sessions")).status).to.equal(401);
  });

  it("takes no form of any size", async () => {
    expect((await post(`id=${"x".repeat(5000)}`)).status).to.equal(413);
  });
});

describe("describeAgent", () => {
  for (const [agent, words] of [
    [firefox, "Firefox on Linux"],
    [
      "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140.0 Safari/537.36 Edg/140.0",
      "Edge on Windows",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Version/19 Safari/604.1",
      "Safari on iPhone",
    ],
    ["curl/8.5.0", "curl"],
    ["python-requests/2.32", "python-requests/2.32"],
    [undefined, "no browser"],
  ] as const) {
    it(`says ${words}`, () => {
      expect(describeAgent(agent)).to.equal(words);
    });
  }
});
