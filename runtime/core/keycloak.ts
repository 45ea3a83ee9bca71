import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { z } from "zod";

import { permissionLevelOf } from "./permissionLevel.ts";
import type { User } from "./userToken.ts";

/** Keycloak, or what it signed, says no. */
export class IdentityRefused extends Error {
  override readonly name = "IdentityRefused";
}

/** Nothing is known: Keycloak did not answer, or not as it should. */
export class IdentityUnavailable extends Error {
  override readonly name = "IdentityUnavailable";
}

export interface KeycloakOptions {
  /** Address without a path. */
  readonly url: string;
  readonly realm: string;
  /** `iss` of the realm's tokens. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly fetch: typeof fetch;
}

const userinfo = z.object({
  sub: z.string().min(1),
  name: z.string().optional(),
  email: z.string().optional(),
  preferred_username: z.string().optional(),
  groups: z.array(z.string()).default([]),
});

const tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
});

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

const logoutClaims = z
  .object({
    iat: z.number(),
    jti: z.string().min(1).max(200),
    sid: z.string().min(1).optional(),
    sub: z.string().min(1).optional(),
    nonce: z.undefined().optional(),
    events: z.object({ [logoutEvent]: z.object({}) }),
  })
  .refine(({ sid, sub }) => sid !== undefined || sub !== undefined);

/** What has ended at Keycloak: one session, or all of a user. */
export interface Logout {
  readonly jti: string;
  readonly sid: string | undefined;
  readonly sub: string | undefined;
  /** When it is too old to be used anyway. */
  readonly expiresAt: Date;
}

/** Seconds that a logout token may be old. */
const logoutAge = 120;

export type KeycloakTokens = z.output<typeof tokens>;

/** Milliseconds that Keycloak may take for an answer; two of them fit into what the gateway waits. */
const timeout = 4000;

/** Milliseconds between two fetches of the realm's keys because of a key that is not among them. */
const cooldown = 5000;

/** Seconds that Keycloak's clock may differ from ours. */
const tolerance = 5;

/** Faults of jose that say nothing about the token: the realm's keys could not be had. */
const keyFaults = new Set(["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"]);

/** What core asks Keycloak, always on loopback and never through the gateway. */
export class Keycloak {
  readonly #options: KeycloakOptions;
  readonly #realm: string;
  readonly #key: JWTVerifyGetKey;

  constructor(options: KeycloakOptions) {
    this.#options = options;
    this.#realm = `${options.url}/realms/${encodeURIComponent(options.realm)}`;
    this.#key = createRemoteJWKSet(new URL(`${this.#realm}/protocol/openid-connect/certs`), {
      timeoutDuration: timeout,
      cooldownDuration: cooldown,
      [customFetch]: (url, init) => options.fetch(url, init),
    });
  }

  /**
   * Who holds an access token that the realm issued to our client. The token itself is checked, and
   * Keycloak is asked, so that a user who was disabled or signed out is refused.
   * @throws IdentityRefused, IdentityUnavailable
   */
  async identify(accessToken: string): Promise<User> {
    const subject = await this.#verify(accessToken);
    const response = await this.#ask("/protocol/openid-connect/userinfo", {
      headers: { authorization: `Bearer ${accessToken}`, accept: "application/json" },
    });
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw new IdentityRefused("Keycloak does not accept its access token any more");
    }
    const info = await read(response, userinfo);
    if (info.sub !== subject) throw new IdentityRefused("userinfo is of somebody else");
    const { sub, preferred_username = sub, name = preferred_username, email = "", groups } = info;
    const permission_level = permissionLevelOf(groups);
    return { sub, name, email, preferred_username, permission_level, groups };
  }

  /**
   * New tokens for a refresh token (RFC 6749, 6).
   * @throws IdentityRefused when the session at Keycloak is over, IdentityUnavailable
   */
  async refresh(refreshToken: string): Promise<KeycloakTokens> {
    const response = await this.#ask("/protocol/openid-connect/token", {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: refreshToken,
        client_id: this.#options.clientId,
        client_secret: this.#options.clientSecret,
      }),
    });
    if (response.status !== 400) return read(response, tokens);
    const { error } = await read(response, z.object({ error: z.string() }));
    // Other errors are our own fault, e.g. a client that was renamed: nobody is signed out for that.
    if (error === "invalid_grant") throw new IdentityRefused("The session at Keycloak is over");
    throw new IdentityUnavailable(`Keycloak refuses to refresh: ${error}`);
  }

  /** Status of the realm's own page: 200 when people can sign in. */
  async ping(): Promise<number> {
    const response = await this.#ask("", {});
    await response.body?.cancel();
    return response.status;
  }

  /**
   * What a logout token ends (OpenID Connect Back-Channel Logout 1.0, 2.6); that it is used once is
   * the caller's to see.
   * @throws IdentityRefused, IdentityUnavailable
   */
  async verifyLogout(token: string): Promise<Logout> {
    const { clientId: audience } = this.#options;
    const payload = await this.#verifySigned(token, {
      audience,
      requiredClaims: ["iat", "jti", "events"],
      maxTokenAge: logoutAge,
    });
    const parsed = logoutClaims.safeParse(payload);
    if (!parsed.success) throw new IdentityRefused("Not a logout token");
    const { jti, sid, sub, iat } = parsed.data;
    const expiresAt = new Date((iat + logoutAge + 2 * tolerance) * 1000);
    return { jti, sid, sub, expiresAt };
  }

  async #verify(accessToken: string): Promise<string> {
    const payload = await this.#verifySigned(accessToken, {
      requiredClaims: ["exp", "iat", "sub", "azp"],
      // Keycloak's own tokens live for minutes.
      maxTokenAge: "1d",
    });
    // An ID token is signed by the same key and names the same client.
    if (payload["typ"] !== "Bearer") throw new IdentityRefused("Not an access token");
    if (payload["azp"] !== this.#options.clientId) {
      throw new IdentityRefused("The access token is another client's");
    }
    return payload.sub ?? "";
  }

  /** With an age it is also refused when it was issued in the future. */
  async #verifySigned(token: string, demands: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ["RS256"],
        issuer: this.#options.issuer,
        clockTolerance: tolerance,
        currentDate: new Date(this.#options.clock()),
        ...demands,
      });
      return payload;
    } catch (fault) {
      if (fault instanceof errors.JOSEError && !keyFaults.has(fault.code)) {
        throw new IdentityRefused("The token is not valid", { cause: fault });
      }
      throw new IdentityUnavailable("The realm's keys cannot be had", { cause: fault });
    }
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const signal = AbortSignal.timeout(timeout);
    try {
      return await this.#options.fetch(`${this.#realm}${path}`, {
        ...init,
        redirect: "error",
        signal,
      });
    } catch (cause) {
      throw new IdentityUnavailable("Keycloak does not answer", { cause });
    }
  }
}

async function read<S extends z.ZodType>(response: Response, schema: S): Promise<z.output<S>> {
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = schema.safeParse(body);
  const expected = response.ok || response.status === 400;
  if (expected && parsed.success) return parsed.data;
  throw new IdentityUnavailable(
    `Keycloak answers with status ${response.status}, not as it should`,
  );
}
