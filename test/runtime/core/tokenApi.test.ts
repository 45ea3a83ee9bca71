import { expect } from "chai";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";

import type { RealmUser } from "../../support/identity.ts";
import { claimsOf, headerOf, type TestCore, TestPlatform } from "./testCore.ts";

describe("core's token API", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["/technicians", "staff"]);
  });

  after(() => platform.close());

  const exchange = async (user = ada): Promise<string> => {
    const { access_token } = await platform.realm.signIn(user);
    const { status, body } = await core.post("/api/token/exchange", { access_token });
    expect(status).to.equal(200);
    expect(Object.keys(body)).to.deep.equal(["token"]);
    return body["token"] as string;
  };

  it("issues a user's token exactly as the contract has it", async () => {
    const token = await exchange();
    const { keys } = (await core.get("/.well-known/jwks.json")).body as unknown as JSONWebKeySet;
    expect(keys).to.have.length(1);
    expect(Object.keys(keys[0] ?? {})).to.have.members(["kty", "alg", "kid", "use", "n", "e"]);
    expect(keys[0]).to.include({ kty: "RSA", alg: "RS256", use: "sig" });
    expect(headerOf(token)).to.deep.equal({ alg: "RS256", kid: keys[0]?.kid, typ: "JWT" });
    const currentDate = new Date(platform.clock.now);
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), { currentDate });
    const now = platform.clock.now / 1000;
    expect(payload).to.deep.equal({
      iss: "hivematrix-core",
      sub: ada.sub,
      jti: payload.jti,
      name: "ada of Hive",
      email: "ada@hive.test",
      preferred_username: "ada",
      permission_level: "technician",
      groups: ["/technicians", "staff"],
      iat: now,
      exp: now + 3600,
    });
    expect(payload.jti).to.match(/^[A-Za-z0-9_-]{43}$/);
  });

  it("takes the access token from the header too, without a body or type of body", async () => {
    const { access_token } = await platform.realm.signIn(ada);
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await core.post("/api/token/exchange", undefined, { headers })).status).to.equal(200);
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    const options = { headers: form, raw: "a=b" };
    expect((await core.post("/api/token/exchange", undefined, options)).status).to.equal(200);
  });

  it("answers the contract's words when there is no access token or a wrong one", async () => {
    const none = await core.post("/api/token/exchange", {});
    expect(none.status).to.equal(400);
    expect(none.headers.get("content-type")).to.equal("application/problem+json");
    expect(none.body).to.include({
      error: "No access token provided",
      code: "ERR_NO_TOKEN",
      instance: "/api/token/exchange",
      type: "about:blank#bad-request",
    });
    const wrong = await core.post("/api/token/exchange", { access_token: "x.y.z" });
    expect(wrong.status).to.equal(401);
    expect(wrong.body).to.include({ error: "Invalid access token" });
  });

  it("answers 502 while Keycloak fails", async () => {
    const { access_token } = await platform.realm.signIn(ada);
    platform.realm.outage = 500;
    const { status, body } = await core.post("/api/token/exchange", { access_token });
    platform.realm.outage = undefined;
    expect(status).to.equal(502);
    expect(body).to.include({ error: "Invalid response from identity provider" });
  });

  it("validates a token by its session, with what is stored", async () => {
    const token = await exchange();
    const { status, body } = await core.validate(token);
    expect(status).to.equal(200);
    expect(body).to.deep.equal({
      valid: true,
      user: {
        sub: ada.sub,
        name: "ada of Hive",
        email: "ada@hive.test",
        preferred_username: "ada",
        permission_level: "technician",
        groups: ["/technicians", "staff"],
      },
    });
    const headers = { authorization: `Bearer ${token}` };
    expect((await core.post("/api/token/validate", undefined, { headers })).status).to.equal(200);
  });

  it("revokes at once and twice", async () => {
    const token = await exchange();
    const expected = { message: "Session revoked successfully" };
    expect((await core.post("/api/token/revoke", { token })).body).to.deep.equal(expected);
    const { status, body } = await core.validate(token);
    expect(status).to.equal(401);
    expect(body).to.include({ valid: false, error: "Session expired or revoked" });
    const again = await core.post("/api/token/revoke", { token });
    expect(again.status).to.equal(200);
    expect(again.body).to.deep.equal(expected);
  });

  it("revokes once, however many ask at the same time", async () => {
    const token = await exchange();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => core.post("/api/token/revoke", { token })),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(8).fill(200));
    const { rows } = await platform.database.pool.query(
      "SELECT type FROM events WHERE session = $1",
      [claimsOf(token)["jti"]],
    );
    expect(rows).to.deep.equal([{ type: "session.ended" }]);
  });

  it("says that a token is missing, foreign or expired, or has no session", async () => {
    const none = await core.post("/api/token/validate", {});
    expect(none.status).to.equal(400);
    expect(none.body).to.include({ valid: false, error: "No token provided" });
    const foreign = await core.validate((await platform.realm.signIn(ada)).access_token);
    expect(foreign.status).to.equal(401);
    expect(foreign.body["error"]).to.match(/^Invalid token: /);
    const service = await core.post(
      "/service-token",
      { calling_service: "codex", target_service: "helm" },
      { caller: "codex" },
    );
    const ofService = await core.validate(service.body["token"] as string);
    expect(ofService.status).to.equal(401);
    expect(ofService.body).to.include({ valid: false, error: "Token has no session ID" });
    expect((await core.post("/api/token/revoke", {})).status).to.equal(400);
  });

  it("refuses an expired token but lets it end its session while the record lives", async () => {
    const { session } = await core.begin(ada);
    platform.clock.forward(3601);
    const { status, body } = await core.validate(session.token);
    expect(status).to.equal(401);
    expect(body).to.include({ valid: false, error: "Token expired" });
    const { token } = session;
    expect((await core.post("/api/token/revoke", { token })).status).to.equal(200);
  });

  it("knows an exchanged session no more when it has expired", async () => {
    const token = await exchange();
    platform.clock.forward(3600);
    const { status, body } = await core.post("/api/token/revoke", { token });
    expect(status).to.equal(404);
    expect(body).to.include({ message: "Session not found or already revoked" });
  });
});
