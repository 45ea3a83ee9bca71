import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";

import { expect } from "chai";
import { exportJWK, type JSONWebKeySet, type JWTPayload, SignJWT } from "jose";

import type { RealmUser } from "../../support/identity.ts";
import { type Answer, claimsOf, headerOf, type TestCore, TestPlatform } from "./testCore.ts";

/** Forged by who knows everything but the private key. */
describe("attacks on core", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["admins"]);
  });

  after(() => platform.close());

  const encode = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString("base64url");

  const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 });

  /** Signed by a foreign key. */
  const forge = (claims: JWTPayload, header: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: "RS256", ...header }).sign(foreign.privateKey);

  const publicPem = async (): Promise<string> => {
    const { keys } = (await core.get("/.well-known/jwks.json")).body as unknown as JSONWebKeySet;
    const [key = {}] = keys;
    const options = { format: "jwk", key: key as Record<string, unknown> } as const;
    return createPublicKey(options).export({ type: "spki", format: "pem" }).toString();
  };

  const refused = ({ status, body }: Answer, error: RegExp): void => {
    expect(status).to.equal(401);
    expect(body["error"]).to.match(error);
  };

  it("alg none is refused, in any spelling", async () => {
    const { session } = await core.begin(ada);
    const payload = session.token.split(".")[1] ?? "";
    for (const alg of ["none", "None", "NONE", ""]) {
      refused(await core.validate(`${encode({ alg, typ: "JWT" })}.${payload}.`), /^Invalid token/);
    }
  });

  it("HS256 with the public key as its secret is refused", async () => {
    const { session } = await core.begin(ada);
    const payload = session.token.split(".")[1] ?? "";
    const text = `${encode({ ...headerOf(session.token), alg: "HS256" })}.${payload}`;
    const mac = createHmac("sha256", await publicPem())
      .update(text)
      .digest("base64url");
    refused(await core.validate(`${text}.${mac}`), /^Invalid token/);
  });

  it("a kid that is a path, a query or another key's is refused", async () => {
    const { session } = await core.begin(ada);
    const kids = ["../../../dev/null", "' OR '1'='1", "https://evil.test/k", "", "x".repeat(5000)];
    for (const kid of [...kids, headerOf(session.token)["kid"]]) {
      refused(await core.validate(await forge(claimsOf(session.token), { kid })), /^Invalid token/);
    }
  });

  it("a key that the token brings along is refused", async () => {
    const { session } = await core.begin(ada);
    const claims = claimsOf(session.token);
    const jwk = await exportJWK(foreign.publicKey);
    const { kid } = headerOf(session.token);
    const url = "https://evil.test/keys.json";
    for (const header of [{ jwk }, { jwk, kid }, { jku: url, kid }, { x5u: url, kid }]) {
      refused(await core.validate(await forge(claims, header)), /^Invalid token/);
    }
  });

  it("a token of ours with one letter changed is refused", async () => {
    const { session } = await core.begin(platform.realm.addUser("mallory"));
    const [header, , signature] = session.token.split(".");
    const payload = encode({ ...claimsOf(session.token), permission_level: "admin" });
    const changed = [header, payload, signature].join(".");
    refused(await core.validate(changed), /^Invalid token/);
    refused(await core.post("/api/token/revoke", { token: changed }), /^Invalid token/);
  });

  it("Keycloak's claims are not taken from a token that Keycloak did not sign", async () => {
    const now = platform.clock.now / 1000;
    const { sub } = ada;
    const claims = {
      ...{ iss: platform.realm.issuer, azp: platform.realm.clientId, typ: "Bearer" },
      ...{ sub, iat: now, exp: now + 300 },
    };
    const { kid } = headerOf((await platform.realm.signIn(ada)).access_token);
    const jwk = await exportJWK(foreign.publicKey);
    for (const header of [{ kid }, { jwk }, { kid, jwk }]) {
      const access_token = await forge(claims, header);
      refused(await core.post("/api/token/exchange", { access_token }), /^Invalid access token/);
    }
  });

  it("weakness 27: tokens for another client of the realm are refused", async () => {
    const claims = { sub: ada.sub, typ: "Bearer", azp: "another-client" };
    const access_token = await platform.realm.sign(claims);
    refused(await core.post("/api/token/exchange", { access_token }), /^Invalid access token/);
  });

  it("a refresh token that was stolen and used ends the session at its next look", async () => {
    const tokens = await platform.realm.signIn(ada);
    const begun = await core.post("/v1/sessions", tokens, { caller: "nexus" });
    const cookie = begun.body["cookie"] as string;
    const { clientId: client_id, clientSecret: client_secret, issuer } = platform.realm;
    const { refresh_token } = tokens;
    const form = { grant_type: "refresh_token", refresh_token, client_id, client_secret };
    const body = new URLSearchParams(form);
    await fetch(`${issuer}/protocol/openid-connect/token`, { method: "POST", body });
    platform.clock.forward(31);
    expect((await core.resolve(cookie)).status).to.equal(404);
  });

  it("nobody chooses the cookie or the id of a session", async () => {
    const tokens = await platform.realm.signIn(ada);
    for (const chosen of [{ cookie: "x".repeat(43) }, { id: "x".repeat(43) }, { jti: "x" }]) {
      const body = { ...tokens, ...chosen };
      expect((await core.post("/v1/sessions", body, { caller: "nexus" })).status).to.equal(400);
    }
    const [one, two] = [await core.begin(ada), await core.begin(ada)];
    expect(one.cookie).not.to.equal(two.cookie);
    expect(one.session.id).not.to.equal(two.session.id);
  });

  it("a token of a megabyte is 413, and core goes on", async () => {
    const token = "x".repeat(1_048_576);
    for (const path of ["validate", "revoke", "exchange"]) {
      const answer = await core.post(`/api/token/${path}`, { token, access_token: token });
      expect(answer.status).to.equal(413);
      expect(answer.body).to.include({ code: "ERR_BODY_TOO_LARGE" });
    }
    const headers = { authorization: `Bearer ${"x".repeat(20_000)}` };
    const { status } = await core.post("/api/token/validate", undefined, { headers });
    expect(status).to.equal(431);
    expect((await core.get("/")).status).to.equal(200);
  });

  it("500 groups are kept whole, and the token works", async () => {
    const groups = Array.from({ length: 500 }, (_, i) => `group-${String(i)}`);
    const user = platform.realm.addUser("many", [...groups, "technicians"]);
    const { cookie, session } = await core.begin(user);
    expect(session.user.groups).to.have.length(501);
    expect(session.user.permission_level).to.equal("technician");
    expect((await core.validate(session.token)).status).to.equal(200);
    expect((await core.resolve(cookie)).status).to.equal(200);
  });

  for (const body of [null, 1, "x", [], [[]], { token: 1 }, { token: {} }, { token: ["x"] }]) {
    it(`weakness 29: a body of the wrong shape is no 500: ${JSON.stringify(body)}`, async () => {
      for (const path of ["/api/token/validate", "/api/token/revoke", "/api/token/exchange"]) {
        expect((await core.post(path, body)).status).to.be.oneOf([400, 401]);
      }
      for (const path of ["/service-token", "/v1/sessions", "/v1/sessions/list"]) {
        expect((await core.post(path, body, { caller: "nexus" })).status).to.equal(400);
      }
    });
  }
});
