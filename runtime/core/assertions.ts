import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JWK,
  jwtVerify,
  type JWTVerifyGetKey,
} from "jose";
import type { Pool } from "pg";
import { z } from "zod";

import { issuer } from "../kernel/token.ts";

export interface AssertionsOptions {
  /** Public key of each caller that has one. */
  readonly keys: Readonly<Record<string, JWK>>;
  readonly pool: Pool;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** `client_assertion_type` (RFC 7523, 2.2). */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Seconds between its making and its end, and that the caller's clock may differ from ours. */
const longest = 300;
const tolerance = 5;

const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];

const claims = z.object({
  iss: z.string(),
  sub: z.string(),
  jti: z.string().min(1).max(200),
  exp: z.number(),
  iat: z.number(),
});

/**
 * Callers that prove themselves by a token they have signed with a key of their own (RFC 7523, 3):
 * `iss` and `sub` their name, `aud` our issuer, good for five minutes at most and once.
 */
export class Assertions {
  readonly #options: AssertionsOptions;
  readonly #keys: ReadonlyMap<string, JWTVerifyGetKey>;

  constructor(options: AssertionsOptions) {
    this.#options = options;
    const entries = Object.entries(options.keys);
    this.#keys = new Map(entries.map(([name, key]) => [name, createLocalJWKSet({ keys: [key] })]));
  }

  get any(): boolean {
    return this.#keys.size > 0;
  }

  /** @returns name of the caller; undefined: the assertion proves nothing, or was used before */
  async callerOf(assertion: string): Promise<string | undefined> {
    const name = nameIn(assertion);
    const key = name === undefined ? undefined : this.#keys.get(name);
    if (name === undefined || key === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(assertion, key, {
        algorithms,
        issuer: name,
        subject: name,
        audience: issuer,
        maxTokenAge: longest,
        clockTolerance: tolerance,
        currentDate: new Date(this.#options.clock()),
      });
      const { jti, exp, iat } = claims.parse(payload);
      if (exp - iat > longest) return undefined;
      return (await this.#useOnce(name, jti, exp)) ? name : undefined;
    } catch (fault) {
      // Whatever the database says is not the caller's fault.
      if (fault instanceof errors.JOSEError || fault instanceof z.ZodError) return undefined;
      throw fault;
    }
  }

  async prune(): Promise<void> {
    await this.#options.pool.query("DELETE FROM client_assertions WHERE expires_at <= $1", [
      new Date(this.#options.clock()),
    ]);
  }

  async #useOnce(caller: string, jti: string, exp: number): Promise<boolean> {
    const { rowCount } = await this.#options.pool.query(
      "INSERT INTO client_assertions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      [caller, jti, new Date((exp + tolerance + 1) * 1000)],
    );
    return rowCount === 1;
  }
}

/** Whose key to try; nothing is believed of it. */
function nameIn(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss;
  } catch {
    return undefined;
  }
}
