import type { JWTPayload } from "jose";

import { issuer } from "../kernel/token.ts";

/** Seconds that a service's token is valid at most (contract 1.5). */
export const serviceTokenLifetime = 300;

export interface ServiceTokenOptions {
  /** Seconds. */
  readonly lifetime?: number;
  /** Names the target in `aud`, which an unmodified service does not take. */
  readonly audience?: boolean;
}

/**
 * Claims of the token one service shows to another (contract 1.5).
 * @param now seconds
 */
export function serviceClaims(
  calling: string,
  target: string,
  now: number,
  { lifetime = serviceTokenLifetime, audience = false }: ServiceTokenOptions = {},
): JWTPayload {
  return {
    iss: issuer,
    sub: `service:${calling}`,
    calling_service: calling,
    target_service: target,
    type: "service",
    iat: now,
    exp: now + lifetime,
    ...(audience ? { aud: target } : {}),
  };
}
