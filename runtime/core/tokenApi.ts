import { createHash } from "node:crypto";

import type { FastifyInstance, FastifyRequest } from "fastify";
import { decodeJwt, errors } from "jose";
import { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import {
  bearerOf,
  type ServiceClaims,
  TokenError,
  type UserClaims,
  verifyToken,
} from "../kernel/token.ts";
import { readBody } from "./body.ts";
import type { Quick } from "./busyPaths.ts";
import { fail } from "./contractFault.ts";
import { IdentityRefused, IdentityUnavailable } from "./keycloak.ts";
import type { KnownSessions } from "./knownSessions.ts";
import type { Limits } from "./limits.ts";
import type { Sessions } from "./sessions.ts";
import type { SigningKeys } from "./signingKeys.ts";
import { sessionIn } from "./userToken.ts";

export interface TokenApiOptions {
  readonly keys: SigningKeys;
  readonly sessions: Sessions;
  readonly limits: Limits;
  readonly known: KnownSessions;
  /** Milliseconds. */
  readonly clock: () => number;
}

export const exchangeBody = z.object({ access_token: z.string().optional() }).optional();
export const tokenBody = z.object({ token: z.string().optional() }).optional();

/** In a minute: exchanges of one access token, validations and revocations of one session. */
const exchanges = 20;
const validations = 60_000;
const revocations = 60;

/**
 * What services do with people's tokens (contract 1.2): the paths, the words.
 * @returns validation of a token that is known, without the framework
 */
export function addTokenApi(app: FastifyInstance, options: TokenApiOptions): Quick {
  const { keys, sessions, clock, limits, known } = options;

  app.get("/.well-known/jwks.json", () => keys.jwks);

  app.post("/api/token/exchange", async (request) => {
    const given = readBody(exchangeBody, request.body)?.access_token || bearer(request);
    if (given === undefined) throw fail(400, "ERR_NO_TOKEN", "No access token provided");
    limits.take("exchange", createHash("sha256").update(given).digest("base64url"), exchanges);
    try {
      return { token: await sessions.exchange(given) };
    } catch (cause) {
      if (cause instanceof IdentityRefused) {
        throw fail(401, "ERR_ACCESS_TOKEN", "Invalid access token", { cause });
      }
      if (cause instanceof IdentityUnavailable) {
        const text = "Invalid response from identity provider";
        throw fail(502, "ERR_IDENTITY_UNAVAILABLE", text, { cause });
      }
      throw cause;
    }
  });

  app.post("/api/token/validate", async (request) => {
    const refuse = (status: number, code: `ERR_${string}`, text: string): ServiceError =>
      fail(status, code, text, { valid: false });
    const token = tokenOf(request);
    if (token === undefined) throw refuse(400, "ERR_NO_TOKEN", "No token provided");
    const { epoch } = known;
    const { version } = keys;
    const claims = await claimsOf(token, keys, new Date(clock()), refuse);
    const session = sessionIn(claims);
    if (session === undefined) throw refuse(401, "ERR_NO_SESSION", "Token has no session ID");
    limits.take("validate", session, validations);
    const found = await sessions.find(session);
    if (found === undefined) throw refuse(401, "ERR_SESSION_OVER", "Session expired or revoked");
    const answer = { valid: true, user: found.user };
    const times = { issuedAt: claims.iat * 1000, expiresAt: claims.exp * 1000, keys: version };
    const until = found.until.getTime();
    known.keep(token, times, { id: session, until, answer: JSON.stringify(answer) }, epoch);
    return answer;
  });

  app.post("/api/token/revoke", async (request) => {
    const token = tokenOf(request);
    if (token === undefined) throw fail(400, "ERR_NO_TOKEN", "No token provided");
    // Also an expired token may end its session: it is looked at as of when it was issued.
    const session = sessionIn(await claimsOf(token, keys, issuedAt(token), fail));
    if (session === undefined) throw fail(400, "ERR_NO_SESSION", "Token has no session ID");
    limits.take("revoke", session, revocations);
    if (await sessions.revoke(session)) return { message: "Session revoked successfully" };
    const message = "Session not found or already revoked";
    throw new ServiceError(404, "ERR_SESSION_UNKNOWN", message, { members: { message } });
  });

  return (_request, text) => {
    const body = JSON.parse(text) as { token?: unknown } | null;
    const token = body?.token;
    const session = typeof token === "string" ? known.find(token) : undefined;
    if (session === undefined) return undefined;
    limits.take("validate", session.id, validations);
    return session.answer;
  };
}

function tokenOf(request: FastifyRequest): string | undefined {
  return readBody(tokenBody, request.body)?.token || bearer(request);
}

function bearer(request: FastifyRequest): string | undefined {
  return bearerOf(request.headers.authorization);
}

type Refuse = (status: number, code: `ERR_${string}`, text: string) => ServiceError;

/** @throws what `refuse` makes */
async function claimsOf(
  token: string,
  keys: SigningKeys,
  now: Date,
  refuse: Refuse,
): Promise<UserClaims | ServiceClaims> {
  try {
    return await verifyToken(token, keys.find, now);
  } catch (fault) {
    if (!(fault instanceof TokenError)) throw fault;
    if (fault.cause instanceof errors.JWTExpired) {
      throw refuse(401, "ERR_TOKEN_EXPIRED", "Token expired");
    }
    throw refuse(401, "ERR_TOKEN", "Invalid token: not one of ours");
  }
}

function issuedAt(token: string): Date {
  try {
    return new Date((decodeJwt(token).iat ?? 0) * 1000);
  } catch {
    return new Date(0);
  }
}
