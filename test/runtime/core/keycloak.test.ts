import { createPublicKey } from "node:crypto";

import { expect } from "chai";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

import { Keycloak } from "../../../runtime/core/keycloak.ts";
import type { RealmUser } from "../../support/identity.ts";
import { type Answer, secrets, type TestCore, TestPlatform } from "./testCore.ts";

describe("an access token that core does not accept", () => {
  let platform: TestPlatform;
  let core: TestCore;
  let ada: RealmUser;
  let now: number;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
    ada = platform.realm.addUser("ada", ["admins"]);
    now = platform.clock.now / 1000;
  });

  after(() => platform.close());

  const claims = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    iss: platform.realm.issuer,
    sub: ada.sub,
    azp: platform.realm.clientId,
    typ: "Bearer",
    iat: now,
    exp: now + 300,
    ...changes,
  });

  const begin = (access_token: string): Promise<Answer> =>
    core.post("/v1/sessions", { access_token }, { caller: "nexus" });

  /** Refused by both ways in, and userinfo is not even asked. */
  const expectRefused = async (token: string): Promise<void> => {
    platform.realm.requests.length = 0;
    const exchanged = await core.post("/api/token/exchange", { access_token: token });
    expect(exchanged.status).to.equal(401);
    expect(exchanged.body).to.include({ error: "Invalid access token" });
    const begun = await begin(token);
    expect(begun.status).to.equal(401);
    expect(begun.body).to.include({ code: "ERR_ACCESS_TOKEN" });
    expect(platform.realm.requests.filter((line) => line.endsWith("/userinfo"))).to.be.empty;
  };

  it("is nothing of what follows: the honest one is accepted", async () => {
    expect((await begin(await platform.realm.sign(claims()))).status).to.equal(201);
  });

  it("has the algorithm none", async () => {
    await expectRefused(new UnsecuredJWT(claims()).encode());
  });

  it("is signed with the public key as an HMAC secret", async () => {
    const { keys } = await platform.realm.jwks();
    const publicKey = createPublicKey({ key: keys[0] ?? {}, format: "jwk" });
    for (const secret of [
      JSON.stringify(keys[0]),
      publicKey.export({ type: "spki", format: "pem" }).toString(),
    ]) {
      const header = { alg: "HS256", kid: keys[0]?.kid ?? "" };
      const token = await new SignJWT(claims())
        .setProtectedHeader(header)
        .sign(Buffer.from(secret));
      await expectRefused(token);
    }
  });

  it("names a key that the realm does not have", async () => {
    await expectRefused(await platform.realm.sign(claims(), { kid: "unknown" }));
  });

  it("brings its own key in the header", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const jwk = await exportJWK(publicKey);
    const { keys } = await platform.realm.jwks();
    for (const kid of [keys[0]?.kid ?? "", "own"]) {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: "RS256", kid, jwk, jku: "http://127.0.0.1:1/keys" })
        .sign(privateKey);
      await expectRefused(token);
    }
  });

  it("was changed after it was signed", async () => {
    const [header, , signature] = (await platform.realm.sign(claims())).split(".");
    const other = Buffer.from(JSON.stringify(claims({ sub: "other" }))).toString("base64url");
    await expectRefused(`${header ?? ""}.${other}.${signature ?? ""}`);
  });

  for (const [title, changes] of [
    ["has expired", { exp: -6, iat: -300 }],
    ["is issued in the future", { iat: 60 }],
    ["is not valid yet", { nbf: 60 }],
    ["never expires", { exp: undefined }],
  ] as const) {
    it(title, async () => {
      const times = Object.entries(changes).map(([name, value]) => [
        name,
        value === undefined ? undefined : now + value,
      ]);
      const changed = Object.fromEntries(times) as Record<string, unknown>;
      await expectRefused(await platform.realm.sign(claims(changed)));
    });
  }

  for (const [title, changes] of [
    ["is another realm's", { iss: "https://localhost/keycloak/realms/master" }],
    ["weakness 27: is another client's of the realm", { azp: "other-client" }],
    ["is no client's", { azp: undefined }],
    ["is an ID token", { typ: "ID" }],
    ["is a refresh token", { typ: "Refresh" }],
    ["is nobody's", { sub: undefined }],
  ] as const) {
    it(title, async () => {
      await expectRefused(await platform.realm.sign(claims(changes)));
    });
  }

  it("is core's own", async () => {
    const { session } = await core.begin(ada);
    await expectRefused(session.token);
  });

  it("is no token at all", async () => {
    await expectRefused("a");
    await expectRefused("..");
  });

  it("is of a user who was disabled", async () => {
    const eve = platform.realm.addUser("eve");
    const { access_token } = await platform.realm.signIn(eve);
    eve.enabled = false;
    expect((await begin(access_token)).status).to.equal(401);
  });

  it("cannot be told while Keycloak is away: 503, and its keys are fetched anew", async () => {
    const { access_token } = await platform.realm.signIn(ada);
    platform.realm.outage = 503;
    const { status, body } = await begin(access_token);
    platform.realm.outage = undefined;
    expect(status).to.equal(503);
    expect(body).to.include({ code: "ERR_IDENTITY_UNAVAILABLE" });
    expect((await begin(access_token)).status).to.equal(201);
  });

  it("weaknesses 25 and 26: is checked on loopback alone, whatever the realm's public address is", async () => {
    const asked: string[] = [];
    const keycloak = new Keycloak({
      url: "http://127.0.0.1:8080",
      realm: "hivematrix",
      issuer: "https://hive.test/keycloak/realms/hivematrix",
      clientId: "core-client",
      clientSecret: "x",
      clock: Date.now,
      fetch: (input) => {
        asked.push(input instanceof Request ? input.url : String(input));
        return Promise.reject(new Error("nobody is there"));
      },
    });
    const away = (fault: unknown) => {
      expect((fault as Error).name).to.equal("IdentityUnavailable");
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ alg: "RS256", kid: "k" })}.${part({ sub: "u" })}.c2ln`;
    await keycloak.identify(token).catch(away);
    await keycloak.refresh("x").catch(away);
    await keycloak.ping().catch(away);
    expect(asked).to.have.length(3);
    for (const address of asked) {
      expect(address).to.match(/^http:\/\/127\.0\.0\.1:8080\/realms\/hivematrix(\/protocol\/|$)/);
    }
  });

  it("never gets into the log", async () => {
    const { access_token } = await platform.realm.signIn(ada);
    await begin(`${access_token}x`);
    const [, , signature = ""] = access_token.split(".");
    expect(core.lines.join("")).not.to.include(signature);
    expect(core.lines.join("")).not.to.include(secrets.nexus);
  });
});
