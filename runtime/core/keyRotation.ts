import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";

import { calculateJwkThumbprint, type JWK } from "jose";
import type { ClientBase } from "pg";

import { Seal } from "./seal.ts";

const generate = promisify(generateKeyPair);

/** A key as it is stored. */
export interface StoredKey {
  readonly kid: string;
  readonly publicKey: JWK;
  /** Sealed. */
  readonly privateKey: Buffer;
}

/**
 * Seconds that a new key is published before it signs. PyJWT, which other services have, keeps what
 * it fetched for 300 s; its newer versions do not fetch again within 30 s for a key they do not know.
 */
export const overlap = 330;

export interface RotationOptions {
  /** Of core's database, in no transaction. */
  readonly client: ClientBase;
  /** ENCRYPTION_KEY. */
  readonly secret: string;
  /** Who wants it, for the audit trail. */
  readonly actor: string;
  /** Milliseconds. */
  readonly now: number;
  /** Without overlap: services that keep keys refuse new tokens until they fetch again. */
  readonly atOnce: boolean;
}

export interface Rotation {
  readonly kid: string;
  readonly signsFrom: Date;
  /** It was published by a rotation that had begun before. */
  readonly begun: boolean;
}

/** Makes an RSA key of 2048 bits; its `kid` is its thumbprint (RFC 7638). */
export async function createKey(secret: string): Promise<StoredKey> {
  const pair = await generate("rsa", { modulusLength: 2048 });
  const { n, e } = pair.publicKey.export({ format: "jwk" });
  const publicKey = { kty: "RSA", n, e } as JWK;
  const kid = await calculateJwkThumbprint(publicKey);
  const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { kid, publicKey, privateKey: new Seal(secret, "signing keys").close(pem, kid) };
}

/**
 * Replaces the key that signs. The new one is published now and signs after the overlap; until then
 * the old one does, and it stays published until its longest token has expired. Running processes
 * see it by themselves. A rotation that has begun is not begun again; `atOnce` ends its overlap.
 */
export async function rotateSigningKey(options: RotationOptions): Promise<Rotation> {
  const { client, secret, actor, now, atOnce } = options;
  const key = await createKey(secret);
  const time = new Date(now);
  await client.query("BEGIN");
  try {
    await client.query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE");
    const { rows } = await client.query<{ kid: string; signs_from: Date }>(
      `SELECT kid, signs_from FROM signing_keys
        WHERE retired_at IS NULL AND signs_from > $1 ORDER BY signs_from DESC LIMIT 1`,
      [time],
    );
    const waiting = rows[0];
    const kid = waiting?.kid ?? key.kid;
    const planned = waiting?.signs_from ?? new Date(now + overlap * 1000);
    const signsFrom = atOnce ? time : planned;
    if (waiting === undefined) {
      await client.query(
        `INSERT INTO signing_keys (kid, public_key, private_key, created_at, signs_from)
         VALUES ($1, $2, $3, $4, $5)`,
        [kid, key.publicKey, key.privateKey, time, signsFrom],
      );
    }
    if (waiting === undefined || atOnce) {
      await client.query("UPDATE signing_keys SET signs_from = $2 WHERE kid = $1 AND $3", [
        kid,
        signsFrom,
        atOnce,
      ]);
      await client.query(
        `UPDATE signing_keys SET retired_at = $2
          WHERE kid <> $1 AND (retired_at IS NULL OR retired_at > $2)`,
        [kid, signsFrom],
      );
      await client.query(
        `INSERT INTO audit_log (at, action, actor, subject, details)
         VALUES ($1, 'signing_key.rotated', $2, $3, jsonb_build_object('at_once', $4::boolean))`,
        [time, actor, kid, atOnce],
      );
    }
    await client.query("COMMIT");
    return { kid, signsFrom, begun: waiting !== undefined };
  } catch (fault) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw fault;
  }
}
