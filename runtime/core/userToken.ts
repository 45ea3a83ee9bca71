import type { JWTPayload } from "jose";

import {
  issuer,
  type PermissionLevel,
  type ServiceClaims,
  type UserClaims,
} from "../kernel/token.ts";

/** What the platform knows of a person, as Keycloak said it. */
export interface User {
  /** Keycloak's id of the user. */
  readonly sub: string;
  readonly name: string;
  readonly email: string;
  readonly preferred_username: string;
  readonly permission_level: PermissionLevel;
  readonly groups: readonly string[];
}

/** Seconds that a user's token is valid at most (contract 1.3). */
export const userTokenLifetime = 3600;

/**
 * Claims of a user's token (contract 1.3). There is no `aud`: services refuse every token that has one.
 * @param session its id
 * @param now seconds
 * @param end seconds; when the session ends, the token does not outlive it
 */
export function userClaims(
  user: User,
  session: string,
  now: number,
  end: number,
  lifetime = userTokenLifetime,
): JWTPayload {
  const { sub, name, email, preferred_username, permission_level, groups } = user;
  return {
    iss: issuer,
    sub,
    jti: session,
    name,
    email,
    preferred_username,
    permission_level,
    groups,
    iat: now,
    exp: Math.min(now + lifetime, end),
  };
}

/** `jti` of a person's token, undefined for those of services. */
export function sessionIn(claims: UserClaims | ServiceClaims): string | undefined {
  return "jti" in claims ? claims.jti : undefined;
}
