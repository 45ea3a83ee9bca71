import { expect } from "chai";
import {
  createLocalJWKSet,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type GenerateKeyPairResult,
  type JWTPayload,
  type JWTVerifyGetKey,
  SignJWT,
  UnsecuredJWT,
} from "jose";

import { bearerOf, TokenError, verifyToken } from "../../../runtime/kernel/token.ts";

const now = new Date("2026-01-01T00:00:00Z");
const seconds = now.getTime() / 1000;

const user: JWTPayload = {
  iss: "hivematrix-core",
  sub: "u1",
  jti: "j1",
  name: "Ada",
  email: "ada@hive.test",
  preferred_username: "ada",
  permission_level: "admin",
  groups: ["admins"],
  iat: seconds,
  exp: seconds + 3600,
};

const service: JWTPayload = {
  iss: "hivematrix-core",
  sub: "service:codex",
  calling_service: "codex",
  target_service: "helm",
  type: "service",
  iat: seconds,
  exp: seconds + 300,
};

describe("verifyToken", () => {
  let pair: GenerateKeyPairResult;
  let find: JWTVerifyGetKey;

  before(async () => {
    pair = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(pair.publicKey);
    find = createLocalJWKSet({ keys: [{ ...jwk, kid: "k1", use: "sig", alg: "RS256" }] });
  });

  const sign = (claims: JWTPayload, header: object = {}, key = pair.privateKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k1", ...header }).sign(key);

  const faultOf = async (token: string): Promise<TokenError> => {
    const result: unknown = await verifyToken(token, find, now).catch((fault: unknown) => fault);
    expect(result).to.be.instanceOf(TokenError);
    expect((result as TokenError).message).to.equal("Invalid or expired token");
    return result as TokenError;
  };

  it("gives the claims of a user and of a service", async () => {
    expect(await verifyToken(await sign(user), find, now)).to.deep.include({
      sub: "u1",
      jti: "j1",
      permission_level: "admin",
      groups: ["admins"],
    });
    expect(await verifyToken(await sign(service), find, now)).to.deep.equal({
      type: "service",
      calling_service: "codex",
      target_service: "helm",
      iat: seconds,
      exp: seconds + 300,
    });
  });

  it("accepts a token to its last second", async () => {
    const token = await sign({ ...user, iat: seconds - 3599, exp: seconds + 1 });
    expect(await verifyToken(token, find, now)).to.include({ sub: "u1" });
  });

  for (const [title, changes] of [
    ["has expired", { iat: seconds - 3600, exp: seconds }],
    ["never expires", { exp: undefined }],
    ["is older than any of ours may be", { iat: seconds - 86_401, exp: seconds + 1 }],
    ["is issued in the future", { iat: seconds + 1 }],
    ["is issued at no time", { iat: undefined }],
    ["is not valid yet", { nbf: seconds + 1 }],
    ["is of another issuer", { iss: "hivematrix.core" }],
    ["is of no issuer", { iss: undefined }],
    ["has no permission level", { permission_level: undefined }],
    ["has a permission level that does not exist", { permission_level: "root" }],
    ["has no subject", { sub: undefined }],
    ["has a type that does not exist", { type: "root" }],
  ] as const) {
    it(`refuses a user's token that ${title}`, async () => {
      await faultOf(await sign({ ...user, ...(changes as JWTPayload) }));
    });
  }

  it("refuses a service's token without a caller", async () => {
    await faultOf(await sign({ ...service, calling_service: undefined }));
  });

  it("refuses no algorithm", async () => {
    await faultOf(new UnsecuredJWT(user).encode());
  });

  it("refuses the public key as an HMAC secret", async () => {
    const secret = Buffer.from(await exportSPKI(pair.publicKey));
    const header = { alg: "HS256", kid: "k1" };
    await faultOf(await new SignJWT(user).setProtectedHeader(header).sign(secret));
  });

  it("refuses another RSA algorithm of the same key", async () => {
    const { privateKey } = await generateKeyPair("PS256");
    await faultOf(await sign(user, { alg: "PS256" }, privateKey));
  });

  it("refuses an unknown key, and one that the token brings along", async () => {
    const other = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(other.publicKey);
    await faultOf(await sign(user, { kid: "k2" }));
    await faultOf(await sign(user, { jwk }, other.privateKey));
  });

  it("refuses what is no token", async () => {
    for (const text of ["", "a", "a.b.c", `${await sign(user)}x`]) await faultOf(text);
  });
});

describe("bearerOf", () => {
  for (const [header, token] of [
    ["Bearer abc.def-_~+/=", "abc.def-_~+/="],
    ["bearer  abc", "abc"],
    [undefined, undefined],
    ["", undefined],
    ["Basic abc", undefined],
    ["Bearer", undefined],
    ["Bearer a b", undefined],
    ["Bearer a,b", undefined],
  ] as const) {
    it(`finds ${String(token)} in ${String(header)}`, () => {
      expect(bearerOf(header)).to.equal(token);
    });
  }
});
