import { createPrivateKey, type KeyObject } from "node:crypto";

import {
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  SignJWT,
} from "jose";
import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { createKey } from "./keyRotation.ts";
import { longestMinted } from "./minting.ts";
import { Seal } from "./seal.ts";

/** Milliseconds until a change is seen even if the notice of it was lost. */
const reloadInterval = 5000;

/** Milliseconds that a retired key is published: its longest token, and until the last process knew. */
const keptAfter = longestMinted * 1000 + 60_000;

export interface SigningKeysOptions {
  readonly pool: Pool;
  /** ENCRYPTION_KEY. */
  readonly secret: string;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
}

interface Row {
  readonly kid: string;
  readonly public_key: JWK;
  readonly private_key: Buffer;
  readonly signs_from: Date;
  readonly retired_at: Date | null;
}

interface Signer {
  readonly kid: string;
  readonly key: KeyObject;
  /** Milliseconds. */
  readonly from: number;
  readonly until: number;
}

/**
 * The RSA keys of the platform's tokens, the same for every process on one database. The newest
 * whose time it is signs; when there is none a new one is made. To replace a key there is
 * keyRotation.ts; when it has leaked, delete its row.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #seal: Seal;
  #published: JSONWebKeySet = { keys: [] };
  #version = 0;
  #find: JWTVerifyGetKey = createLocalJWKSet(this.#published);
  /** The newest first. */
  #signers: readonly Signer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #loading: Promise<void> | undefined;
  /** How often a reload was asked for. */
  #wanted = 0;
  readonly #warned = new Set<string>();

  private constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.#seal = new Seal(options.secret, "signing keys");
  }

  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const keys = new SigningKeys(options);
    await keys.#load();
    keys.#timer = setInterval(() => void keys.reload(), reloadInterval).unref();
    return keys;
  }

  /** Changes with the keys that are published. */
  get version(): number {
    return this.#version;
  }

  /** Public keys as `/.well-known/jwks.json` has them (RFC 7517). */
  get jwks(): JSONWebKeySet {
    return this.#published;
  }

  /** Of the key that signs now. */
  get kid(): string {
    return this.#current.kid;
  }

  /** Finds the key of a token, retired ones included. */
  readonly find: JWTVerifyGetKey = (header, token) => this.#find(header, token);

  sign(claims: JWTPayload): Promise<string> {
    const { kid, key } = this.#current;
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid, typ: "JWT" }).sign(key);
  }

  /** Reads the keys again; while the database is away the known ones stay. Never rejects. */
  reload(): Promise<void> {
    this.#wanted += 1;
    this.#loading ??= this.#loadAll().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Forgets keys that are not published any more. */
  async prune(): Promise<void> {
    const { pool, clock } = this.#options;
    await pool.query("DELETE FROM signing_keys WHERE retired_at <= $1", [
      new Date(clock() - keptAfter),
    ]);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #current(): Signer {
    const now = this.#options.clock();
    // One that has just been retired by hand signs until the next is there.
    const signer = this.#signers.find((one) => isOf(one, now)) ?? this.#signers[0];
    if (signer === undefined) throw new Error("No signing key is loaded");
    return signer;
  }

  async #loadAll(): Promise<void> {
    try {
      let done: number;
      do {
        done = this.#wanted;
        await this.#load();
      } while (done !== this.#wanted);
    } catch (fault) {
      this.#options.log.warn({ err: fault }, "signing keys were not reloaded");
    }
  }

  async #load(): Promise<void> {
    const rows = await this.#read();
    const now = this.#options.clock();
    const signers = rows.map((row) => this.#signerOf(row)).filter((one) => one !== undefined);
    if (!signers.some((one) => isOf(one, now))) {
      await this.#add(rows);
      await this.#load();
      return;
    }
    this.#signers = signers;
    const before = JSON.stringify(this.#published);
    this.#published = {
      keys: rows.map(({ kid, public_key }) => ({
        ...public_key,
        kty: "RSA",
        alg: "RS256",
        kid,
        use: "sig",
      })),
    };
    if (JSON.stringify(this.#published) === before) return;
    this.#find = createLocalJWKSet(this.#published);
    this.#version += 1;
  }

  async #read(): Promise<Row[]> {
    const { pool, clock } = this.#options;
    const { rows } = await pool.query<Row>(
      `SELECT kid, public_key, private_key, signs_from, retired_at FROM signing_keys
        WHERE retired_at IS NULL OR retired_at > $1
        ORDER BY signs_from DESC, created_at DESC, kid`,
      [new Date(clock() - keptAfter)],
    );
    return rows;
  }

  #signerOf({ kid, private_key, signs_from, retired_at }: Row): Signer | undefined {
    const until = retired_at?.getTime() ?? Infinity;
    if (until <= this.#options.clock()) return undefined;
    const from = signs_from.getTime();
    const known = this.#signers.find((one) => one.kid === kid);
    if (known !== undefined) return { ...known, from, until };
    const pem = this.#seal.open(private_key, kid);
    if (pem !== undefined) return { kid, key: createPrivateKey(pem), from, until };
    if (!this.#warned.has(kid)) {
      this.#warned.add(kid);
      this.#options.log.warn({ kid }, "a signing key was sealed with another ENCRYPTION_KEY");
    }
    return undefined;
  }

  /** @param unusable keys that exist but do not sign here; every other one makes this unnecessary */
  async #add(unusable: readonly Row[]): Promise<void> {
    const { pool, secret, clock, log } = this.#options;
    const { kid, publicKey, privateKey } = await createKey(secret);
    const now = new Date(clock());
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      // Several processes may find at the same time that there is none.
      await client.query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE");
      const { rowCount } = await client.query(
        `INSERT INTO signing_keys (kid, public_key, private_key, created_at, signs_from)
          SELECT $1, $2, $3, $4::timestamptz, $4
          WHERE NOT EXISTS (
            SELECT FROM signing_keys WHERE retired_at IS NULL AND kid <> ALL($5))`,
        [kid, publicKey, privateKey, now, unusable.map((row) => row.kid)],
      );
      await client.query("COMMIT");
      if (rowCount === 1) log.info({ kid }, "made a signing key");
    } catch (fault) {
      await client.query("ROLLBACK").catch(() => undefined);
      throw fault;
    } finally {
      client.release();
    }
  }
}

function isOf({ from, until }: Signer, now: number): boolean {
  return from <= now && now < until;
}
