import { jwtVerify, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

/** Issuer of every token of the platform (contract 1.3). */
export const issuer = "hivematrix-core";

/** What a user may do, highest first (contract 1.4). */
export const permissionLevels = ["admin", "technician", "billing", "client"] as const;

export type PermissionLevel = (typeof permissionLevels)[number];

const userClaims = z.object({
  type: z.undefined().optional(),
  sub: z.string(),
  jti: z.string().optional(),
  name: z.string().optional(),
  email: z.string().optional(),
  preferred_username: z.string().optional(),
  permission_level: z.enum(permissionLevels),
  groups: z.array(z.string()).default([]),
  iat: z.number(),
  exp: z.number(),
});

const serviceClaims = z.object({
  type: z.literal("service"),
  calling_service: z.string(),
  target_service: z.string(),
  iat: z.number(),
  exp: z.number(),
});

export type UserClaims = z.output<typeof userClaims>;
export type ServiceClaims = z.output<typeof serviceClaims>;

/** A token is not ours, not valid any more or not of a known shape. Never says more to a caller. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** Seconds; no token of the platform lives longer, the longest being one for tests. */
const maxAge = 86_400;

/**
 * Checks signature (RS256 alone), issuer, times and shape of a token of the platform. As in the
 * other services, one issued in the future is refused, with no tolerance.
 * @param key from the keys core publishes
 * @param now default the present
 * @throws TokenError
 */
export async function verifyToken(
  token: string,
  key: JWTVerifyGetKey,
  now = new Date(),
): Promise<UserClaims | ServiceClaims> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["RS256"],
      issuer,
      requiredClaims: ["exp", "iat"],
      maxTokenAge: maxAge,
      currentDate: now,
    });
    return payload["type"] === "service" ? serviceClaims.parse(payload) : userClaims.parse(payload);
  } catch (cause) {
    throw new TokenError("Invalid or expired token", { cause });
  }
}

/** Of an `Authorization: Bearer` header; undefined when there is none. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? "")?.[1];
}
