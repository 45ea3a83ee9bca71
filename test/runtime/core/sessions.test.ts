import { createHash } from "node:crypto";

import { expect } from "chai";

import type { Session } from "../../../runtime/core/sessions.ts";
import type { RealmUser } from "../../support/identity.ts";
import { type Answer, claimsOf, type TestCore, TestPlatform } from "./testCore.ts";

describe("core's sessions", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;

  beforeEach(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["technicians"]);
  });

  afterEach(() => platform.close());

  const sessionOf = ({ status, body }: Answer): Session => {
    expect(status).to.equal(200);
    return body["session"] as Session;
  };

  const refreshes = (): number =>
    platform.realm.requests.filter((line) => line.endsWith("/token")).length;

  const events = async (): Promise<string[]> => {
    const { rows } = await platform.database.pool.query<{ type: string }>(
      "SELECT type FROM events ORDER BY id",
    );
    return rows.map(({ type }) => type);
  };

  it("begin with a cookie and a token whose jti is the session's id", async () => {
    const { cookie, session } = await core.begin(ada);
    const now = platform.clock.now / 1000;
    expect(cookie).to.match(/^[A-Za-z0-9_-]{43}$/);
    expect(session).to.deep.include({ token_expires_at: now + 3600, expires_at: now + 36_000 });
    expect(claimsOf(session.token)).to.include({ jti: session.id, exp: now + 3600 });
    expect(session.user).to.deep.equal({
      sub: ada.sub,
      name: "ada of Hive",
      email: "ada@hive.test",
      preferred_username: "ada",
      permission_level: "technician",
      groups: ["technicians"],
    });
    expect(sessionOf(await core.resolve(cookie))).to.deep.equal(session);
  });

  it("keep of the cookie only a hash, and no token in clear", async () => {
    const tokens = await platform.realm.signIn(ada);
    const { body } = await core.post("/v1/sessions", tokens, { caller: "nexus" });
    const { cookie, session } = body as { cookie: string; session: Session };
    const { rows } = await platform.database.pool.query<{ cookie_hash: Buffer }>(
      "SELECT * FROM sessions",
    );
    expect(rows[0]?.cookie_hash).to.deep.equal(createHash("sha256").update(cookie).digest());
    const { rows: raw } = await platform.database.pool.query<{ text: string }>(
      `SELECT concat_ws(' ', s::text, encode(token, 'escape'), encode(refresh_token, 'escape'),
         encode(id_token, 'escape')) AS text FROM sessions s`,
    );
    for (const secret of [cookie, session.token, tokens.refresh_token, tokens.id_token]) {
      expect(raw[0]?.text).not.to.include(secret);
    }
  });

  it("are not found by what backends see: neither jti nor its hash is the cookie", async () => {
    const { session } = await core.begin(ada);
    const hash = createHash("sha256").update(session.id).digest("base64url");
    for (const guess of [session.id, hash, session.token.slice(-43)]) {
      const { status, body } = await core.resolve(guess);
      expect(status).to.equal(404);
      expect(body).to.include({ code: "ERR_SESSION_UNKNOWN" });
    }
  });

  it("are for the gateway alone", async () => {
    const { cookie } = await core.begin(ada);
    for (const path of ["", "/resolve", "/refresh", "/end"]) {
      const body = { cookie };
      expect((await core.post(`/v1/sessions${path}`, body)).status).to.equal(401);
      const { status } = await core.post(`/v1/sessions${path}`, body, { caller: "codex" });
      expect(status).to.equal(403);
    }
    expect((await core.get("/v1/events")).status).to.equal(401);
    expect((await core.get("/v1/events", { caller: "codex" })).status).to.equal(403);
    expect((await core.resolve(cookie)).status).to.equal(200);
  });

  it("refuse a body with a member that is not known", async () => {
    const body = { cookie: "x", more: 1 };
    const answer = await core.post("/v1/sessions/resolve", body, { caller: "nexus" });
    expect(answer.status).to.equal(400);
  });

  it("give a new token when the old one has less than five minutes left", async () => {
    const { cookie, session } = await core.begin(ada);
    platform.clock.forward(3300);
    expect(sessionOf(await core.resolve(cookie)).token).to.equal(session.token);
    platform.clock.forward(1);
    const renewed = sessionOf(await core.resolve(cookie));
    expect(claimsOf(renewed.token)).to.include({
      jti: session.id,
      iat: platform.clock.now / 1000,
      exp: platform.clock.now / 1000 + 3600,
    });
    expect((await core.validate(session.token)).status).to.equal(200);
  });

  it("end when their time is over, and no token outlives them", async () => {
    const { cookie, session } = await core.begin(ada);
    for (let passed = 0; passed < 36_000 - 1000; passed += 1000) {
      platform.clock.forward(1000);
      sessionOf(await core.resolve(cookie));
    }
    const last = sessionOf(await core.resolve(cookie));
    expect(last.expires_at).to.equal(session.expires_at);
    expect(last.token_expires_at).to.be.at.most(session.expires_at);
    platform.clock.forward(1000);
    expect((await core.resolve(cookie)).status).to.equal(404);
  });

  it("are short without a refresh token", async () => {
    const { access_token } = await platform.realm.signIn(ada);
    const { body } = await core.post("/v1/sessions", { access_token }, { caller: "nexus" });
    const { cookie, session } = body as { cookie: string; session: Session };
    expect(session.expires_at).to.equal(platform.clock.now / 1000 + 3600);
    platform.clock.forward(3599);
    expect((await core.resolve(cookie)).status).to.equal(200);
    platform.clock.forward(1);
    expect((await core.resolve(cookie)).status).to.equal(404);
  });

  it("end once, with the ID token, and for good", async () => {
    const tokens = await platform.realm.signIn(ada);
    const begun = await core.post("/v1/sessions", tokens, { caller: "nexus" });
    const { cookie, session } = begun.body as { cookie: string; session: Session };
    const end = (): Promise<Answer> =>
      core.post("/v1/sessions/end", { cookie }, { caller: "nexus" });
    expect((await end()).body).to.deep.equal({ id_token: tokens.id_token });
    expect((await end()).body).to.deep.equal({});
    expect((await core.resolve(cookie)).status).to.equal(404);
    expect((await core.validate(session.token)).status).to.equal(401);
    expect(await events()).to.deep.equal(["session.ended"]);
  });

  describe("and what Keycloak says of the user", () => {
    it("is asked again when it is old, not before", async () => {
      const { cookie } = await core.begin(ada);
      platform.clock.forward(30);
      await core.resolve(cookie);
      expect(refreshes()).to.equal(0);
      platform.clock.forward(1);
      await core.resolve(cookie);
      await core.resolve(cookie);
      expect(refreshes()).to.equal(1);
      expect(await events()).to.deep.equal([]);
    });

    it("weakness 20: changes the level and the token of a running session", async () => {
      const { cookie, session } = await core.begin(ada);
      ada.groups = ["client"];
      platform.clock.forward(31);
      const changed = sessionOf(await core.resolve(cookie));
      expect(changed.user).to.deep.include({ permission_level: "client", groups: ["client"] });
      expect(claimsOf(changed.token)).to.include({ permission_level: "client", jti: session.id });
      expect(await events()).to.deep.equal(["session.changed"]);
      expect((await core.validate(changed.token)).body["user"]).to.deep.equal(changed.user);
    });

    it("is asked at once by refresh", async () => {
      const { cookie } = await core.begin(ada);
      ada.groups = ["admins"];
      const answer = await core.post("/v1/sessions/refresh", { cookie }, { caller: "nexus" });
      expect(sessionOf(answer).user.permission_level).to.equal("admin");
    });

    it("is asked once, however many requests wait for it", async () => {
      const { cookie } = await core.begin(ada);
      platform.clock.forward(31);
      const answers = await Promise.all(Array.from({ length: 10 }, () => core.resolve(cookie)));
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(10).fill(200));
      expect(refreshes()).to.equal(1);
    });

    it("is asked once by two processes on one database", async () => {
      const other = await platform.core();
      const { cookie } = await core.begin(ada);
      platform.clock.forward(31);
      ada.groups = ["admins"];
      const answers = await Promise.all(
        [core, other, core, other].map((process) => process.resolve(cookie)),
      );
      const levels = answers.map((answer) => sessionOf(answer).user.permission_level);
      expect(levels).to.deep.equal(Array(4).fill("admin"));
      expect(refreshes()).to.equal(1);
    });

    it("ends the session of a user who was disabled", async () => {
      const { cookie, session } = await core.begin(ada);
      ada.enabled = false;
      platform.clock.forward(31);
      expect((await core.resolve(cookie)).status).to.equal(404);
      expect((await core.validate(session.token)).status).to.equal(401);
      expect(await events()).to.deep.equal(["session.ended"]);
      ada.enabled = true;
      expect((await core.resolve(cookie)).status).to.equal(404);
    });

    it("ends the session whose session at Keycloak is over", async () => {
      const { cookie } = await core.begin(ada);
      platform.realm.endSessions(ada);
      platform.clock.forward(31);
      expect((await core.resolve(cookie)).status).to.equal(404);
    });

    it("is not needed for five minutes; then 503, and the session is still kept", async () => {
      const { cookie, session } = await core.begin(ada);
      platform.realm.outage = 503;
      platform.clock.forward(300);
      expect(sessionOf(await core.resolve(cookie))).to.deep.equal(session);
      platform.clock.forward(1);
      const { status, body, headers } = await core.resolve(cookie);
      expect(status).to.equal(503);
      expect(body).to.include({ code: "ERR_IDENTITY_UNAVAILABLE" });
      expect(headers.get("retry-after")).to.equal("5");
      platform.realm.outage = undefined;
      platform.clock.forward(6);
      expect(sessionOf(await core.resolve(cookie)).id).to.equal(session.id);
    });

    it("is not waited for by each request while Keycloak is away", async () => {
      const { cookie } = await core.begin(ada);
      platform.realm.outage = 503;
      platform.clock.forward(31);
      for (let i = 0; i < 5; i += 1) await core.resolve(cookie);
      expect(refreshes()).to.equal(1);
    });

    it("does not bring a session back that was ended meanwhile", async () => {
      const { cookie } = await core.begin(ada);
      let release: () => void = () => undefined;
      platform.realm.hold = new Promise((resolve) => (release = resolve));
      platform.clock.forward(31);
      const resolving = core.resolve(cookie);
      await core.post("/v1/sessions/end", { cookie }, { caller: "nexus" });
      release();
      expect((await resolving).status).to.equal(404);
      expect(await events()).to.deep.equal(["session.ended"]);
    });
  });
});
