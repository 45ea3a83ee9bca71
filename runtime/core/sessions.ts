import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { decodeJwt } from "jose";

import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import { IdentityRefused, IdentityUnavailable, type Keycloak } from "./keycloak.ts";
import type { AuditEntry } from "./auditLog.ts";
import { requireAdmin } from "./permissionLevel.ts";
import type { Seal } from "./seal.ts";
import type { SessionLine, SessionRow, SessionStore } from "./sessionStore.ts";
import type { SigningKeys } from "./signingKeys.ts";
import { type User, userClaims } from "./userToken.ts";

/** What the gateway gets to know of a session. Times in seconds since 1970. */
export interface Session {
  /** `jti` of its tokens; 43 characters. */
  readonly id: string;
  readonly token: string;
  readonly token_expires_at: number;
  readonly expires_at: number;
  readonly user: User;
}

/** What Keycloak gave for a sign-in, and where it came from. */
export interface Grant {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
  readonly address?: string | undefined;
  readonly agent?: string | undefined;
}

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly keys: SigningKeys;
  readonly keycloak: Keycloak;
  readonly seal: Seal;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
  /** Seconds; how long a session lasts whatever happens. */
  readonly lifetime: number;
  /** Seconds; how long a token is valid. */
  readonly tokenLifetime: number;
  /** Seconds; how long a browser's session goes on unused. */
  readonly idle: number;
  /** Told of sign-ins that were refused. */
  readonly note: (entry: AuditEntry) => void;
  /** Seconds; how old what Keycloak said of a user may be. */
  readonly refreshAfter: number;
}

/** Milliseconds a token has left when it is replaced. */
const renewBefore = 300_000;

/** Milliseconds that a session goes on without Keycloak's word. */
const grace = 300_000;

/** Milliseconds until the use of a session is noted again. */
const touchAfter = 60_000;

/** Sessions in one list. */
const mostListed = 500;

/** Milliseconds that nobody asks a Keycloak that did not answer. */
const pause = 5000;

/** Milliseconds between looks at what another process asks, and until that is given up. */
const lookEvery = 50;
const lookFor = 8000;

/** Sessions of people: they begin with Keycloak's word and go on as long as it is renewed. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #refreshing = new Map<string, Promise<SessionRow>>();
  #pausedUntil = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /**
   * Begins a session of a browser. Without a refresh token it is as short as one token.
   * @returns also the cookie: 43 characters that are stored nowhere and derived from nothing
   * @throws IdentityRefused, IdentityUnavailable
   */
  async begin(grant: Grant): Promise<{ cookie: string; session: Session }> {
    const cookie = createSecret();
    const row = await this.#add(grant, hash(cookie));
    return { cookie, session: await this.#present(row) };
  }

  /**
   * Begins a session without a browser, as short as its only token (contract 1.2).
   * @returns the token
   * @throws IdentityRefused, IdentityUnavailable
   */
  async exchange(accessToken: string): Promise<string> {
    const row = await this.#add({ access_token: accessToken }, null);
    return (await this.#present(row)).token;
  }

  /**
   * The session of a cookie, with a token that is good for minutes.
   * @param always ask Keycloak even if its last word is fresh
   * @throws ServiceError 404 when there is none, 503 when Keycloak is away for too long
   */
  async resolve(cookie: string, always: boolean): Promise<Session> {
    const { store, clock, refreshAfter } = this.#options;
    const row = await store.find("cookie_hash", hash(cookie), new Date(clock()));
    if (row === undefined) throw unknownSession();
    await this.#touch(row);
    const fresh = clock() - row.checked_at.getTime() <= refreshAfter * 1000;
    if (row.refresh_token === null || (fresh && !always)) return this.#present(row);
    return this.#present(await this.#refreshOnce(row));
  }

  /** Who a token's session belongs to and until when that is known; undefined when it is over. */
  async find(id: string): Promise<{ user: User; until: Date } | undefined> {
    const { store, clock } = this.#options;
    const row = await store.find("id", id, new Date(clock()));
    if (row === undefined) return undefined;
    const { user_data: user, expires_at, idle_until } = row;
    return {
      user,
      until: idle_until !== null && idle_until < expires_at ? idle_until : expires_at,
    };
  }

  /** Ends the session of a cookie; of none it is no error. @returns the ID token, once */
  async end(cookie: string): Promise<string | undefined> {
    const { store, clock, seal } = this.#options;
    const { id, idToken } = await store.end("cookie_hash", hash(cookie), new Date(clock()), {
      reason: "sign-out",
    });
    return id === undefined ? undefined : open(seal, idToken, id);
  }

  /** Ends the session of a token. @returns whether there is such a session, also an ended one */
  async revoke(id: string): Promise<boolean> {
    const { store, clock } = this.#options;
    return (await store.end("id", id, new Date(clock()), { reason: "revoked" })).known;
  }

  /**
   * Sessions of the cookie's own user, or of everybody for an admin.
   * @throws ServiceError 403, 404
   */
  async list(cookie: string, everybody: boolean): Promise<(SessionLine & { current: boolean })[]> {
    const { store, clock } = this.#options;
    const row = await this.#ownerOf(cookie, everybody);
    const subject = everybody ? undefined : row.user_data.sub;
    const lines = await store.list(subject, new Date(clock()), mostListed);
    return lines.map((line) => ({ ...line, current: line.id === row.id }));
  }

  /**
   * Ends one session, of the cookie's own user or for an admin anybody's.
   * @throws ServiceError 403, 404
   */
  async endOne(cookie: string, id: string): Promise<boolean> {
    const { store, clock } = this.#options;
    const row = await this.#ownerOf(cookie, false);
    const now = new Date(clock());
    const target = await store.find("id", id, now);
    if (target?.user_data.sub !== row.user_data.sub) requireAdmin(row.user_data);
    const { sub: actor } = row.user_data;
    return (await store.end("id", id, now, { reason: "ended by choice", actor })).known;
  }

  /**
   * Ends all sessions of the cookie's own user, or for an admin those of another.
   * @returns how many
   * @throws ServiceError 403, 404
   */
  async endEverywhere(cookie: string, subject: string | undefined): Promise<number> {
    const { store, clock } = this.#options;
    const row = await this.#ownerOf(cookie, false);
    const { sub: actor } = row.user_data;
    if (subject !== undefined && subject !== actor) requireAdmin(row.user_data);
    const reason = { reason: "signed out everywhere", actor };
    const ended = await store.endAll("subject", subject ?? actor, new Date(clock()), reason);
    return ended.length;
  }

  /**
   * Ends what Keycloak says has ended there (OpenID Connect Back-Channel Logout 1.0).
   * @throws IdentityRefused, IdentityUnavailable
   */
  async endByLogoutToken(logoutToken: string): Promise<void> {
    const { store, keycloak, clock } = this.#options;
    const { jti, sid, sub, expiresAt } = await keycloak.verifyLogout(logoutToken);
    if (!(await store.useLogoutToken(jti, expiresAt))) {
      throw new IdentityRefused("The logout token was used before");
    }
    const reason = { reason: "ended at Keycloak", actor: "keycloak" };
    if (sid !== undefined) await store.endAll("keycloak_session", sid, new Date(clock()), reason);
    else if (sub !== undefined) await store.endAll("subject", sub, new Date(clock()), reason);
  }

  async #ownerOf(cookie: string, admin: boolean): Promise<SessionRow> {
    const { store, clock } = this.#options;
    const row = await store.find("cookie_hash", hash(cookie), new Date(clock()));
    if (row === undefined) throw unknownSession();
    if (admin) requireAdmin(row.user_data);
    return row;
  }

  async #touch({ id, seen_at, refresh_token }: SessionRow): Promise<void> {
    const { store, clock, idle } = this.#options;
    const now = clock();
    if (refresh_token === null || now - (seen_at?.getTime() ?? 0) < touchAfter) return;
    await store.touch(id, new Date(now), new Date(now + idle * 1000));
  }

  async #identify(grant: Grant): Promise<User> {
    const { keycloak, note } = this.#options;
    try {
      return await keycloak.identify(grant.access_token);
    } catch (fault) {
      if (fault instanceof IdentityRefused) {
        const { address } = grant;
        const from = address === undefined ? {} : { address };
        note({ action: "session.refused", ...from, details: { reason: fault.message } });
      }
      throw fault;
    }
  }

  async #add(grant: Grant, cookieHash: Buffer | null): Promise<SessionRow> {
    const { store, seal, clock, lifetime, tokenLifetime, idle } = this.#options;
    const user = await this.#identify(grant);
    const id = createSecret();
    const now = clock();
    const refreshable = cookieHash !== null && grant.refresh_token !== undefined;
    const seconds = refreshable ? lifetime : Math.min(lifetime, tokenLifetime);
    return store.add({
      id,
      cookieHash,
      user,
      address: grant.address ?? null,
      agent: grant.agent ?? null,
      refreshToken: refreshable ? close(seal, grant.refresh_token, id) : null,
      idToken: close(seal, grant.id_token, id),
      keycloakSession: keycloakSessionOf(grant.access_token),
      now: new Date(now),
      idleUntil: refreshable ? new Date(now + idle * 1000) : null,
      // Whole seconds, so that a token can end with its session.
      expiresAt: new Date((Math.floor(now / 1000) + seconds) * 1000),
    });
  }

  async #present(row: SessionRow): Promise<Session> {
    const { store, keys, seal, clock, tokenLifetime } = this.#options;
    const { id, user_data: user } = row;
    const expires_at = seconds(row.expires_at);
    const signed = row.token_kid === keys.kid ? open(seal, row.token, id) : undefined;
    if (signed !== undefined && row.token_expires_at !== null) {
      const token_expires_at = seconds(row.token_expires_at);
      const left = token_expires_at * 1000 - clock();
      // At the end of a session there is no longer token to be had.
      if (left >= renewBefore || token_expires_at === expires_at) {
        return { id, token: signed, token_expires_at, expires_at, user };
      }
    }
    const claims = userClaims(user, id, Math.floor(clock() / 1000), expires_at, tokenLifetime);
    const token_expires_at = claims.exp ?? expires_at;
    const { kid } = keys;
    const token = await keys.sign(claims);
    await store.saveToken(id, seal.close(token, id), kid, new Date(token_expires_at * 1000));
    return { id, token, token_expires_at, expires_at, user };
  }

  /** Requests of one session that come at the same time share one question to Keycloak. */
  async #refreshOnce(row: SessionRow): Promise<SessionRow> {
    const running = this.#refreshing.get(row.id);
    if (running !== undefined) return running;
    const refreshing = this.#refresh(row).finally(() => this.#refreshing.delete(row.id));
    this.#refreshing.set(row.id, refreshing);
    return refreshing;
  }

  async #refresh(row: SessionRow): Promise<SessionRow> {
    const { store, clock, log } = this.#options;
    if (clock() < this.#pausedUntil) return this.#goOn(row);
    const lease = await store.lease(row.id, row.checks, new Date(clock()));
    if (lease === undefined) return this.#awaitOther(row);
    try {
      const user = await this.#ask(row, lease);
      const confirmed = await store.confirm(row.id, user, new Date(clock()));
      if (confirmed === undefined) throw unknownSession();
      return confirmed;
    } catch (fault) {
      if (fault instanceof IdentityRefused) {
        await store.end("id", row.id, new Date(clock()), {
          reason: fault.message,
          actor: "keycloak",
        });
        throw unknownSession(fault);
      }
      await store.release(row.id);
      if (!(fault instanceof IdentityUnavailable)) throw fault;
      log.warn({ err: fault }, "Keycloak was not asked about a session");
      this.#pausedUntil = clock() + pause;
      return this.#goOn(row, fault);
    }
  }

  async #ask({ id, user_data }: SessionRow, lease: Buffer): Promise<User> {
    const { store, keycloak, seal } = this.#options;
    const refreshToken = seal.open(lease, id);
    if (refreshToken === undefined) throw new IdentityRefused("The refresh token is unreadable");
    const tokens = await keycloak.refresh(refreshToken);
    // At once: Keycloak may take the old one no more.
    const { refresh_token, id_token } = tokens;
    await store.replaceTokens(id, close(seal, refresh_token, id), close(seal, id_token, id));
    const user = await keycloak.identify(tokens.access_token);
    if (user.sub !== user_data.sub) throw new IdentityRefused("The session is of somebody else");
    return user;
  }

  /** Another process asks Keycloak; its result is as good as ours. */
  async #awaitOther(row: SessionRow): Promise<SessionRow> {
    const { store, clock } = this.#options;
    for (let waited = 0; waited < lookFor; waited += lookEvery) {
      const now = await store.find("id", row.id, new Date(clock()));
      if (now === undefined) throw unknownSession();
      if (now.checks !== row.checks) return now;
      if (!now.leased) break;
      await delay(lookEvery);
    }
    return this.#goOn(row);
  }

  /** @throws ServiceError 503 when Keycloak's last word is too old; the session is kept */
  #goOn(row: SessionRow, cause?: unknown): SessionRow {
    if (this.#options.clock() - row.checked_at.getTime() <= grace) return row;
    throw new ServiceError(
      503,
      "ERR_IDENTITY_UNAVAILABLE",
      "The identity provider has not answered for too long.",
      { cause, headers: { "retry-after": "5" } },
    );
  }
}

/** 32 random bytes as 43 characters (contract 1.3). */
function createSecret(): string {
  return randomBytes(32).toString("base64url");
}

function hash(cookie: string): Buffer {
  return createHash("sha256").update(cookie).digest();
}

/** `sid` of an access token that was verified. */
function keycloakSessionOf(accessToken: string): string | null {
  const { sid } = decodeJwt(accessToken);
  return typeof sid === "string" ? sid : null;
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function close(seal: Seal, text: string | undefined, id: string): Buffer | null {
  return text === undefined ? null : seal.close(text, id);
}

function open(seal: Seal, sealed: Buffer | null | undefined, id: string): string | undefined {
  return sealed === null || sealed === undefined ? undefined : seal.open(sealed, id);
}

function unknownSession(cause?: unknown): ServiceError {
  return new ServiceError(404, "ERR_SESSION_UNKNOWN", "There is no such session any more.", {
    cause,
  });
}
