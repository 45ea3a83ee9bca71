import { createPrivateKey, randomBytes } from "node:crypto";

import { type JWTPayload, SignJWT } from "jose";
import type { ClientBase } from "pg";

import { Seal } from "./seal.ts";
import { serviceClaims, serviceTokenLifetime } from "./serviceToken.ts";
import { type User, userClaims } from "./userToken.ts";

export interface UserRequest {
  readonly user: User;
  /** Seconds; at most `longestMinted`. */
  readonly lifetime: number;
}

export interface ServiceRequest {
  readonly calling: string;
  readonly target: string;
  /** Seconds; at most that of every service token. */
  readonly lifetime: number;
}

export interface MintOptions {
  /** Of core's database. */
  readonly client: ClientBase;
  /** ENCRYPTION_KEY. */
  readonly secret: string;
  /** Who makes it, for the audit trail. */
  readonly actor: string;
  /** Milliseconds. */
  readonly now: number;
}

/** There is no key that signs: core never ran, or has another ENCRYPTION_KEY. */
export class NoSigningKey extends Error {
  override readonly name = "NoSigningKey";
}

/** Seconds. */
export const longestMinted = 86_400;

/**
 * Makes a user's token without a sign-in, for `hive token`. Its session and the entry in the audit
 * trail are written together before it is signed; it can be revoked as any other, and has `minted`.
 * @throws NoSigningKey
 */
export async function mintUserToken(
  request: UserRequest,
  { client, secret, actor, now }: MintOptions,
): Promise<string> {
  const sign = await openSigner(client, secret, now);
  const { user } = request;
  const start = Math.floor(now / 1000);
  const end = start + Math.min(request.lifetime, longestMinted);
  const id = randomBytes(32).toString("base64url");
  const added = `WITH added AS (
      INSERT INTO sessions (id, user_data, created_at, checked_at, seen_at, expires_at, minted)
      VALUES ($1, $2, $3, $3, $3, $4, true) RETURNING *)
    INSERT INTO audit_log (at, action, actor, subject, details)
    SELECT $3, 'token.minted', $5, id, jsonb_build_object(
      'user', user_data->>'preferred_username', 'level', user_data->>'permission_level',
      'expires_at', to_char($4::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    FROM added`;
  await client.query(added, [id, user, new Date(now), new Date(end * 1000), actor]);
  return sign({ ...userClaims(user, id, start, end), exp: end, minted: true });
}

/**
 * Makes a service's token, for `hive token --service`. It has no session and is short-lived.
 * @throws NoSigningKey
 */
export async function mintServiceToken(
  { calling, target, lifetime }: ServiceRequest,
  { client, secret, actor, now }: MintOptions,
): Promise<string> {
  const sign = await openSigner(client, secret, now);
  const start = Math.floor(now / 1000);
  await client.query(
    `INSERT INTO audit_log (at, action, actor, subject, details)
     VALUES ($1, 'service_token.minted', $2, $3, jsonb_build_object('calling', $4::text))`,
    [new Date(now), actor, target, calling],
  );
  const exp = start + Math.min(lifetime, serviceTokenLifetime);
  return sign({ ...serviceClaims(calling, target, start), exp, minted: true });
}

type Sign = (claims: JWTPayload) => Promise<string>;

async function openSigner(client: ClientBase, secret: string, now: number): Promise<Sign> {
  const { rows } = await client.query<{ kid: string; private_key: Buffer }>(
    `SELECT kid, private_key FROM signing_keys
      WHERE (retired_at IS NULL OR retired_at > $1) AND signs_from <= $1
      ORDER BY signs_from DESC, created_at DESC, kid`,
    [new Date(now)],
  );
  const seal = new Seal(secret, "signing keys");
  for (const { kid, private_key } of rows) {
    const pem = seal.open(private_key, kid);
    if (pem === undefined) continue;
    const key = createPrivateKey(pem);
    return (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid, typ: "JWT" }).sign(key);
  }
  throw new NoSigningKey("There is no signing key that can be read");
}
