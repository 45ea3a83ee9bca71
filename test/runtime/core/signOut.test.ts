import { expect } from "chai";
import type { JWTPayload } from "jose";

import type { Session } from "../../../runtime/core/sessions.ts";
import type { RealmUser } from "../../support/identity.ts";
import { type Answer, type TestCore, TestPlatform } from "./testCore.ts";

interface Line {
  readonly id: string;
  readonly current: boolean;
  readonly address: string | null;
  readonly agent: string | null;
  readonly user: { readonly sub: string };
}

describe("weakness 66: sessions under their owner's eyes", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;
  let root: RealmUser;

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["technicians"]);
    root = platform.realm.addUser("root", ["admins"]);
  });

  afterEach(() => platform.close());

  const ask = (path: string, body: unknown): Promise<Answer> =>
    core.post(`/v1/sessions/${path}`, body, { caller: "nexus" });

  const list = async (cookie: string, everybody = false): Promise<Line[]> => {
    const { status, body } = await ask("list", { cookie, everybody });
    expect(status).to.equal(200);
    return body["sessions"] as Line[];
  };

  it("lists one's own, with device and address, and nobody else's", async () => {
    const tokens = await platform.realm.signIn(ada);
    const device = { address: "192.0.2.7", agent: "Browser/1" };
    const { body } = await core.post("/v1/sessions", { ...tokens, ...device }, { caller: "nexus" });
    const { cookie, session } = body as unknown as { cookie: string; session: Session };
    const second = await core.begin(ada);
    await core.begin(root);
    const lines = await list(cookie);
    expect(lines.map(({ id }) => id)).to.have.members([session.id, second.session.id]);
    expect(lines.find(({ current }) => current)).to.include({ id: session.id, ...device });
    expect(JSON.stringify(lines)).not.to.include(cookie);
  });

  it("lists everybody's to admins alone", async () => {
    const { cookie } = await core.begin(ada);
    const admin = await core.begin(root);
    const refused = await ask("list", { cookie, everybody: true });
    expect(refused.status).to.equal(403);
    expect(refused.body).to.include({ code: "ERR_LEVEL" });
    expect((await list(admin.cookie, true)).map(({ user }) => user.sub)).to.have.members([
      ada.sub,
      root.sub,
    ]);
  });

  it("signs out everywhere at once, and tells it", async () => {
    const [one, two] = [await core.begin(ada), await core.begin(ada)];
    const other = await core.begin(root);
    const stream = await core.listen();
    await stream.next();
    expect((await ask("end-everywhere", { cookie: one.cookie })).body).to.deep.equal({ ended: 2 });
    const told = [(await stream.next()).data["session"], (await stream.next()).data["session"]];
    stream.close();
    expect(told).to.have.members([one.session.id, two.session.id]);
    for (const { session } of [one, two]) {
      expect((await core.validate(session.token)).status).to.equal(401);
    }
    expect((await core.resolve(other.cookie)).status).to.equal(200);
  });

  it("lets nobody but an admin end another's", async () => {
    const user = await core.begin(ada);
    const admin = await core.begin(root);
    const { cookie } = user;
    const foreign = { cookie, id: admin.session.id };
    expect((await ask("end-one", foreign)).status).to.equal(403);
    expect((await ask("end-everywhere", { cookie, sub: root.sub })).status).to.equal(403);
    const mine = { cookie: admin.cookie, id: user.session.id };
    expect((await ask("end-one", mine)).body).to.deep.equal({ ended: true });
    expect((await core.resolve(cookie)).status).to.equal(404);
    expect((await ask("end-everywhere", { cookie })).status).to.equal(404);
  });

  it("ends a session that nobody uses, and not one that is used", async () => {
    const { cookie } = await core.begin(ada);
    for (let i = 0; i < 3; i += 1) {
      platform.clock.forward(7000);
      expect((await core.resolve(cookie)).status).to.equal(200);
    }
    platform.clock.forward(7200);
    expect((await core.resolve(cookie)).status).to.equal(404);
  });

  describe("when Keycloak says that it has ended there", () => {
    const events = { "http://schemas.openid.net/event/backchannel-logout": {} };

    const begin = async (user: RealmUser, sid: string): Promise<string> => {
      const { sub } = user;
      const claims = { typ: "Bearer", azp: platform.realm.clientId, sub, sid };
      const access_token = await platform.realm.sign(claims);
      const { body } = await core.post("/v1/sessions", { access_token }, { caller: "nexus" });
      return body["cookie"] as string;
    };

    const logout = async (claims: JWTPayload): Promise<Answer> => {
      const aud = platform.realm.clientId;
      const token = await platform.realm.sign({ aud, events, ...claims });
      return post(token);
    };

    const post = (token: string): Promise<Answer> =>
      core.post("/backchannel-logout", undefined, {
        headers: { "content-type": "application/x-www-form-urlencoded" },
        raw: new URLSearchParams({ logout_token: token }).toString(),
      });

    const statusOf = async (cookie: string): Promise<number> => (await core.resolve(cookie)).status;

    it("ends the session of its sid alone", async () => {
      const [one, two] = [await begin(ada, "s1"), await begin(ada, "s2")];
      expect((await logout({ sid: "s1", sub: ada.sub })).status).to.equal(200);
      expect([await statusOf(one), await statusOf(two)]).to.deep.equal([404, 200]);
    });

    it("ends all of a user when there is no sid", async () => {
      const cookies = [await begin(ada, "s1"), await begin(ada, "s2"), await begin(root, "s3")];
      expect((await logout({ sub: ada.sub })).status).to.equal(200);
      const statuses = await Promise.all(cookies.map(statusOf));
      expect(statuses).to.deep.equal([404, 404, 200]);
    });

    it("takes a logout token once", async () => {
      const aud = platform.realm.clientId;
      const token = await platform.realm.sign({ aud, events, sid: "s1" });
      expect((await post(token)).status).to.equal(200);
      expect((await post(token)).status).to.equal(400);
    });

    for (const [title, claims] of [
      ["another issuer", { iss: "https://evil.test" }],
      ["another client", { aud: "another-client" }],
      ["no event", { events: {} }],
      ["another event", { events: { "https://evil.test/event": {} } }],
      ["a nonce, as an ID token has", { nonce: "n" }],
      ["neither sid nor sub", { sid: undefined }],
      ["no jti", { jti: undefined }],
      ["an old age", { iat: 1_700_000_000, exp: 4_000_000_000 }],
      ["a time to come", { iat: 4_000_000_000, exp: 4_000_000_100 }],
    ] as const) {
      it(`refuses one with ${title}`, async () => {
        const cookie = await begin(ada, "s1");
        const { status, body } = await logout({ sid: "s1", ...claims } as JWTPayload);
        expect(status).to.equal(400);
        expect(body).to.include({ code: "ERR_LOGOUT_TOKEN" });
        expect(await statusOf(cookie)).to.equal(200);
      });
    }

    it("refuses what is no logout token at all", async () => {
      const tokens = await platform.realm.signIn(ada);
      for (const token of [tokens.access_token, tokens.id_token, "x"]) {
        expect((await post(token)).status).to.equal(400);
      }
      expect((await core.post("/backchannel-logout", {})).status).to.equal(415);
    });
  });
});
