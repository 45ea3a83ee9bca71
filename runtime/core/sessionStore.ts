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
  readonly idle_until: Date | null;
  readonly seen_at: Date | null;
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
  /** `sid` of the access token. */
  readonly keycloakSession: string | null;
  readonly now: Date;
  /** Ends then if nobody uses it before; null: never for that. */
  readonly idleUntil: Date | null;
  readonly expiresAt: Date;
}

/** Which sessions are meant. */
export type Selector = "id" | "cookie_hash" | "subject" | "keycloak_session";

/** Why a session ended and who wanted it; kept in the audit trail. */
export interface Reason {
  readonly reason: string;
  /** Default: the session's own user. */
  readonly actor?: string | undefined;
}

/** A session for people's eyes. */
export interface SessionLine {
  readonly id: string;
  readonly user: User;
  readonly address: string | null;
  readonly agent: string | null;
  readonly minted: boolean;
  readonly created_at: Date;
  readonly seen_at: Date | null;
  readonly expires_at: Date;
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
  idle_until, seen_at, checked_at, checks, coalesce(leased_until > clock_timestamp(), false) AS leased`;

const live = `ended_at IS NULL AND expires_at > $2 AND (idle_until IS NULL OR idle_until > $2)`;

const columnOf: Readonly<Record<Selector, string>> = {
  id: "id",
  cookie_hash: "cookie_hash",
  subject: "user_data->>'sub'",
  keycloak_session: "keycloak_session",
};

/** Sessions in PostgreSQL. Every change is one statement, so it happens whole or not at all. */
export class SessionStore {
  readonly #pool: Pool;
  readonly #changed: (id: string) => void;

  /** @param changed told of a session at once that has changed; others hear of it by the database */
  constructor(pool: Pool, changed: (id: string) => void = () => undefined) {
    this.#pool = pool;
    this.#changed = changed;
  }

  async add(session: NewSession): Promise<SessionRow> {
    const { rows } = await this.#pool.query<SessionRow>(
      `WITH added AS (
         INSERT INTO sessions (id, cookie_hash, user_data, address, agent, refresh_token, id_token,
           created_at, checked_at, seen_at, expires_at, idle_until, keycloak_session)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $9, $10, $11) RETURNING *),
       noted AS (
         INSERT INTO audit_log (at, action, actor, subject, address, details)
         SELECT $8, 'session.began', user_data->>'sub', id, address, jsonb_build_object(
           'user', user_data->>'preferred_username', 'level', user_data->>'permission_level',
           'browser', cookie_hash IS NOT NULL, 'agent', agent) FROM added)
       SELECT ${columns} FROM added`,
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
        session.idleUntil,
        session.keycloakSession,
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

  /** Notes that a session is used, which puts off its end. */
  async touch(id: string, now: Date, idleUntil: Date): Promise<void> {
    await this.#pool.query(
      `UPDATE sessions SET seen_at = $2, idle_until = $3 WHERE id = $1 AND ${live}`,
      [id, now, idleUntil],
    );
  }

  /**
   * Sessions that go on, the last begun first.
   * @param subject of one user; undefined: of all
   */
  async list(subject: string | undefined, now: Date, limit: number): Promise<SessionLine[]> {
    const { rows } = await this.#pool.query<SessionLine>(
      `SELECT id, user_data AS user, address, agent, minted, created_at, seen_at, expires_at
         FROM sessions WHERE ($1::text IS NULL OR user_data->>'sub' = $1) AND ${live}
        ORDER BY created_at DESC, id LIMIT $3`,
      [subject ?? null, now, limit],
    );
    return rows;
  }

  /** @returns false when the logout token was used before */
  async useLogoutToken(jti: string, expiresAt: Date): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      "INSERT INTO logout_tokens VALUES ($1, $2) ON CONFLICT DO NOTHING",
      [jti, expiresAt],
    );
    return rowCount === 1;
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
           SELECT 'session.changed', id, $2 FROM changed WHERE is_new),
         noted AS (
           INSERT INTO audit_log (at, action, actor, subject, details)
           SELECT $2, 'session.changed', user_data->>'sub', id,
             jsonb_build_object('level', user_data->>'permission_level')
           FROM changed WHERE is_new)
       SELECT ${columns} FROM changed`,
      [id, now, user],
    );
    this.#changed(id);
    return rows[0];
  }

  /** Ends a session once: it keeps no token, and those who listen are told. */
  async end(
    by: "id" | "cookie_hash",
    value: string | Buffer,
    now: Date,
    reason: Reason,
  ): Promise<Ending> {
    const [ended] = await this.endAll(by, value, now, reason);
    if (ended !== undefined) return { known: true, ...ended };
    const { rowCount } = await this.#pool.query(
      `SELECT FROM sessions WHERE ${columnOf[by]} = $1 AND expires_at > $2`,
      [value, now],
    );
    return { known: rowCount !== 0 };
  }

  /** Ends every session that is meant, all or none. @returns those that were not ended before */
  async endAll(
    by: Selector,
    value: string | Buffer,
    now: Date,
    { reason, actor }: Reason,
  ): Promise<Omit<Ending, "known">[]> {
    const { rows } = await this.#pool.query<Omit<Ending, "known">>(
      `WITH old AS (
           SELECT id, id_token FROM sessions WHERE ${columnOf[by]} = $1 AND ${live}
           ORDER BY id FOR UPDATE),
         ended AS (
           UPDATE sessions s SET ended_at = $2, token = NULL, refresh_token = NULL, id_token = NULL
           FROM old WHERE s.id = old.id RETURNING s.id, s.user_data, old.id_token),
         told AS (
           INSERT INTO events (type, session, created_at)
           SELECT 'session.ended', id, $2 FROM ended),
         noted AS (
           INSERT INTO audit_log (at, action, actor, subject, details)
           SELECT $2, 'session.ended', coalesce($4, user_data->>'sub'), id,
             jsonb_build_object('reason', $3::text, 'user', user_data->>'sub') FROM ended)
       SELECT id, id_token AS "idToken" FROM ended`,
      [value, now, reason, actor ?? null],
    );
    for (const { id } of rows) if (id !== undefined) this.#changed(id);
    return rows;
  }

  async prune(now: Date): Promise<void> {
    await this.#pool.query("DELETE FROM sessions WHERE expires_at <= $1", [now]);
    await this.#pool.query("DELETE FROM logout_tokens WHERE expires_at <= $1", [now]);
  }
}
