import type { Pool } from "pg";

import type { User } from "./userToken.ts";

/** A row of `sessions`; what is sealed stays so here. */
export interface SessionRow {
  readonly id: string;
  readonly user_data: User;
  readonly token: Buffer | null;
  readonly token_kid: string | null;
  readonly token_expires_at: Date | null;
  readonly refresh_token: Buffer | null;
  readonly expires_at: Date;
  readonly checked_at: Date;
  /** How often Keycloak was asked; tells two looks at one moment apart. */
  readonly checks: number;
  /** Whether somebody asks Keycloak right now. */
  readonly leased: boolean;
}

export interface NewSession {
  readonly id: string;
  /** null: a session without a browser. */
  readonly cookieHash: Buffer | null;
  readonly user: User;
  readonly address: string | null;
  readonly agent: string | null;
  readonly refreshToken: Buffer | null;
  readonly idToken: Buffer | null;
  readonly now: Date;
  readonly expiresAt: Date;
}

/** What an attempt to end a session found. */
export interface Ending {
  /** Whether there is such a session, ended before or now. */
  readonly known: boolean;
  readonly id?: string;
  /** Sealed; of the session that was ended now. */
  readonly idToken?: Buffer | null;
}

const columns = `id, user_data, token, token_kid, token_expires_at, refresh_token, expires_at,
  checked_at, checks, coalesce(leased_until > clock_timestamp(), false) AS leased`;

const live = `ended_at IS NULL AND expires_at > $2`;

/** Sessions in PostgreSQL. Every change is one statement, so it happens whole or not at all. */
export class SessionStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async add(session: NewSession): Promise<SessionRow> {
    const { rows } = await this.#pool.query<SessionRow>(
      `INSERT INTO sessions (id, cookie_hash, user_data, address, agent, refresh_token, id_token,
         created_at, checked_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) RETURNING ${columns}`,
      [
        session.id,
        session.cookieHash,
        session.user,
        session.address,
        session.agent,
        session.refreshToken,
        session.idToken,
        session.now,
        session.expiresAt,
      ],
    );
    return rows[0] as SessionRow;
  }

  /** A session that is neither ended nor expired, by its `id` or `cookie_hash`. */
  async find(
    by: "id" | "cookie_hash",
    value: string | Buffer,
    now: Date,
  ): Promise<SessionRow | undefined> {
    const { rows } = await this.#pool.query<SessionRow>(
      `SELECT ${columns} FROM sessions WHERE ${by} = $1 AND ${live}`,
      [value, now],
    );
    return rows[0];
  }

  async saveToken(id: string, token: Buffer, kid: string, expiresAt: Date): Promise<void> {
    await this.#pool.query(
      `UPDATE sessions SET token = $2, token_kid = $3, token_expires_at = $4
        WHERE id = $1 AND ended_at IS NULL`,
      [id, token, kid, expiresAt],
    );
  }

  /**
   * Takes the right to ask Keycloak about a session, for a while.
   * @param checks as it was seen; the lease is not given when somebody has asked since
   * @returns the refresh token, sealed
   */
  async lease(id: string, checks: number, now: Date): Promise<Buffer | undefined> {
    const { rows } = await this.#pool.query<{ refresh_token: Buffer }>(
      `UPDATE sessions SET leased_until = clock_timestamp() + interval '20 seconds'
        WHERE id = $1 AND ${live} AND checks = $3 AND refresh_token IS NOT NULL
          AND (leased_until IS NULL OR leased_until < clock_timestamp())
        RETURNING refresh_token`,
      [id, now, checks],
    );
    return rows[0]?.refresh_token;
  }

  /** Gives the lease back without a result. */
  async release(id: string): Promise<void> {
    await this.#pool.query("UPDATE sessions SET leased_until = NULL WHERE id = $1", [id]);
  }

  /** Keycloak's new tokens, sealed; null leaves the old. The lease is kept. */
  async replaceTokens(
    id: string,
    refreshToken: Buffer | null,
    idToken: Buffer | null,
  ): Promise<void> {
    await this.#pool.query(
      `UPDATE sessions SET refresh_token = coalesce($2, refresh_token),
         id_token = coalesce($3, id_token) WHERE id = $1 AND ended_at IS NULL`,
      [id, refreshToken, idToken],
    );
  }

  /**
   * Notes what Keycloak said of the user; when that is something new, the token is to be signed
   * again and those who listen are told.
   * @returns undefined when the session was ended meanwhile
   */
  async confirm(id: string, user: User, now: Date): Promise<SessionRow | undefined> {
    const { rows } = await this.#pool.query<SessionRow>(
      `WITH old AS (SELECT id, user_data FROM sessions WHERE id = $1 AND ${live} FOR UPDATE),
         changed AS (
           UPDATE sessions s SET user_data = $3, checked_at = $2, checks = s.checks + 1,
             leased_until = NULL,
             token = CASE WHEN old.user_data = $3 THEN s.token END
           FROM old WHERE s.id = old.id
           RETURNING s.*, old.user_data <> $3 AS is_new),
         told AS (
           INSERT INTO events (type, session, created_at)
           SELECT 'session.changed', id, $2 FROM changed WHERE is_new)
       SELECT ${columns} FROM changed`,
      [id, now, user],
    );
    return rows[0];
  }

  /** Ends a session once: it keeps no token, and those who listen are told. */
  async end(by: "id" | "cookie_hash", value: string | Buffer, now: Date): Promise<Ending> {
    const { rows } = await this.#pool.query<Ending>(
      `WITH old AS (SELECT id, id_token FROM sessions WHERE ${by} = $1 AND ${live} FOR UPDATE),
         ended AS (
           UPDATE sessions s SET ended_at = $2, token = NULL, refresh_token = NULL, id_token = NULL
           FROM old WHERE s.id = old.id RETURNING s.id, old.id_token),
         told AS (
           INSERT INTO events (type, session, created_at)
           SELECT 'session.ended', id, $2 FROM ended)
       SELECT EXISTS (SELECT FROM sessions WHERE ${by} = $1 AND expires_at > $2) AS known,
         (SELECT id FROM ended) AS id, (SELECT id_token FROM ended) AS "idToken"`,
      [value, now],
    );
    return rows[0] ?? { known: false };
  }

  async prune(now: Date): Promise<void> {
    await this.#pool.query("DELETE FROM sessions WHERE expires_at <= $1", [now]);
  }
}
