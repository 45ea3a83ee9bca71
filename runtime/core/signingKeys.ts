import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  SignJWT,
} from "jose";
import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { Seal } from "./seal.ts";
import { userTokenLifetime } from "./userToken.ts";

const generate = promisify(generateKeyPair);

/** Milliseconds until a change is seen even if the notice of it was lost. */
const reloadInterval = 5000;

/** Milliseconds that a retired key is published: its longest token, and until the last process knew. */
const keptAfter = userTokenLifetime * 1000 + 60_000;

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
  readonly retired_at: Date | null;
}

interface Signer {
  readonly kid: string;
  readonly key: KeyObject;
}

/**
 * The RSA keys of the platform's tokens, the same for every process on one database. The newest
 * that is not retired signs; when there is none a new one is made. To replace a key, set its
 * `retired_at`; when it has leaked, delete its row.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #seal: Seal;
  #published: JSONWebKeySet = { keys: [] };
  #find: JWTVerifyGetKey = createLocalJWKSet(this.#published);
  #signer: Signer | undefined;
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
    if (this.#signer === undefined) throw new Error("No signing key is loaded");
    return this.#signer;
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
    const readable = rows.map((row) => this.#signerOf(row));
    const index = rows.findIndex((row, i) => row.retired_at === null && readable[i] !== undefined);
    const signer = readable[index];
    if (signer === undefined) {
      await this.#add(rows);
      await this.#load();
      return;
    }
    this.#signer = signer;
    this.#published = {
      keys: rows.map(({ kid, public_key }) => ({
        ...public_key,
        kty: "RSA",
        alg: "RS256",
        kid,
        use: "sig",
      })),
    };
    this.#find = createLocalJWKSet(this.#published);
  }

  async #read(): Promise<Row[]> {
    const { pool, clock } = this.#options;
    const { rows } = await pool.query<Row>(
      `SELECT kid, public_key, private_key, retired_at FROM signing_keys
        WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at DESC, kid`,
      [new Date(clock() - keptAfter)],
    );
    return rows;
  }

  #signerOf({ kid, private_key, retired_at }: Row): Signer | undefined {
    if (retired_at !== null) return undefined;
    if (this.#signer?.kid === kid) return this.#signer;
    const pem = this.#seal.open(private_key, kid);
    if (pem !== undefined) return { kid, key: createPrivateKey(pem) };
    if (!this.#warned.has(kid)) {
      this.#warned.add(kid);
      this.#options.log.warn({ kid }, "a signing key was sealed with another ENCRYPTION_KEY");
    }
    return undefined;
  }

  /** @param unusable keys that exist but do not sign here; every other one makes this unnecessary */
  async #add(unusable: readonly Row[]): Promise<void> {
    const { pool, clock, log } = this.#options;
    const pair = await generate("rsa", { modulusLength: 2048 });
    const { n, e } = pair.publicKey.export({ format: "jwk" });
    const jwk = { kty: "RSA", n, e } as JWK;
    const kid = await calculateJwkThumbprint(jwk);
    const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      // Several processes may find at the same time that there is none.
      await client.query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE");
      const { rowCount } = await client.query(
        `INSERT INTO signing_keys (kid, public_key, private_key, created_at) SELECT $1, $2, $3, $4
          WHERE NOT EXISTS (
            SELECT FROM signing_keys WHERE retired_at IS NULL AND kid <> ALL($5))`,
        [kid, jwk, this.#seal.close(pem, kid), new Date(clock()), unusable.map((row) => row.kid)],
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
