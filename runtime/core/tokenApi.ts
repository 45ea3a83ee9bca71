import { createHash } from "node:crypto";

import type { FastifyInstance, FastifyRequest } from "fastify";
import { decodeJwt, errors } from "jose";
import { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { bearerOf, TokenError, verifyToken } from "../kernel/token.ts";
import type { AuditLog } from "./auditLog.ts";
import { readBody } from "./body.ts";
import type { Callers } from "./callers.ts";
import type { CoreConfig } from "./config.ts";
import { IdentityRefused, IdentityUnavailable } from "./keycloak.ts";
import type { Limits } from "./limits.ts";
import { serviceClaims } from "./serviceToken.ts";
import type { Sessions } from "./sessions.ts";
import type { SigningKeys } from "./signingKeys.ts";

export interface TokenApiOptions {
  readonly keys: SigningKeys;
  readonly sessions: Sessions;
  readonly callers: Callers;
  readonly audit: AuditLog;
  readonly limits: Limits;
  readonly config: Pick<
    CoreConfig,
    "CALLS" | "AUDIENCE_SERVICES" | "SERVICE_TOKEN_LIFETIME" | "SERVICE_TOKENS_PER_MINUTE"
  >;
  /** Milliseconds. */
  readonly clock: () => number;
}

const exchangeBody = z.object({ access_token: z.string().optional() }).optional();
const tokenBody = z.object({ token: z.string().optional() }).optional();
const serviceTokenBody = z.object({
  calling_service: z.unknown().optional(),
  target_service: z.unknown().optional(),
});

/** In a minute: exchanges of one access token, validations and revocations of one session. */
const exchanges = 20;
const validations = 60_000;
const revocations = 60;

/** Names of services (contract 1.5). */
const serviceName = /^[a-z0-9_-]{1,50}$/;

/** What every service of the platform knows of core (contract 1.2): the paths, the words. */
export function addTokenApi(app: FastifyInstance, options: TokenApiOptions): void {
  const { keys, sessions, callers, clock, audit, limits, config } = options;
  const audiences = new Set(config.AUDIENCE_SERVICES);
  const calls = config.CALLS;

  app.get("/.well-known/jwks.json", () => keys.jwks);

  app.post(
    "/service-token",
    {
      // Before the body: who does not prove anything learns nothing about it either.
      onRequest: (request, _reply, done) => {
        try {
          callers.of(request.raw);
        } catch (fault) {
          audit.note({ action: "service_token.refused", details: { reason: "no proof" } });
          throw fault;
        }
        done();
      },
    },
    async (request) => {
      const body = readBody(serviceTokenBody, request.body);
      const { calling, target } = checkNames(body, callers);
      const actor = callers.of(request.raw);
      if (calling !== actor) {
        const details = { reason: "in the name of another", calling };
        audit.note({ action: "service_token.refused", actor, subject: target, details });
        throw fail(403, "ERR_CALLER_NAME", "calling_service is not the caller");
      }
      // An own member: the names of callers are no code of ours, `constructor` may be one.
      const allowed = calls === undefined || (Object.hasOwn(calls, actor) && calls[actor]);
      if (allowed !== true && !(allowed && allowed.includes(target))) {
        const details = { reason: "may not call it" };
        audit.note({ action: "service_token.refused", actor, subject: target, details });
        throw fail(403, "ERR_CALL", "The caller may not call target_service");
      }
      limits.take("service-token", actor, config.SERVICE_TOKENS_PER_MINUTE);
      audit.note({ action: "service_token.issued", actor, subject: target });
      const now = Math.floor(clock() / 1000);
      const lifetime = config.SERVICE_TOKEN_LIFETIME;
      const audience = audiences.has(target);
      return {
        token: await keys.sign(serviceClaims(calling, target, now, { lifetime, audience })),
      };
    },
  );

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
    const session = await sessionOf(token, keys, new Date(clock()), refuse);
    if (session === undefined) throw refuse(401, "ERR_NO_SESSION", "Token has no session ID");
    limits.take("validate", session, validations);
    const user = await sessions.find(session);
    if (user === undefined) throw refuse(401, "ERR_SESSION_OVER", "Session expired or revoked");
    return { valid: true, user };
  });

  app.post("/api/token/revoke", async (request) => {
    const token = tokenOf(request);
    if (token === undefined) throw fail(400, "ERR_NO_TOKEN", "No token provided");
    // Also an expired token may end its session: it is looked at as of when it was issued.
    const session = await sessionOf(token, keys, issuedAt(token), fail);
    if (session === undefined) throw fail(400, "ERR_NO_SESSION", "Token has no session ID");
    limits.take("revoke", session, revocations);
    if (await sessions.revoke(session)) return { message: "Session revoked successfully" };
    const message = "Session not found or already revoked";
    throw new ServiceError(404, "ERR_SESSION_UNKNOWN", message, { members: { message } });
  });
}

/** In the order of the contract (1.5). */
function checkNames(
  body: z.output<typeof serviceTokenBody>,
  callers: Callers,
): { calling: string; target: string } {
  const { calling_service: calling, target_service: target } = body;
  if (!calling || !target) {
    throw fail(400, "ERR_BODY", "calling_service and target_service are required");
  }
  const names = { calling_service: calling, target_service: target };
  for (const [member, name] of Object.entries(names)) {
    if (typeof name === "string" && serviceName.test(name)) continue;
    throw fail(400, "ERR_SERVICE_NAME", `Invalid ${member} format`);
  }
  for (const [member, name] of Object.entries(names)) {
    if (callers.has(name as string)) continue;
    throw fail(400, "ERR_SERVICE_UNKNOWN", `Unknown ${member}`);
  }
  return { calling: calling as string, target: target as string };
}

function tokenOf(request: FastifyRequest): string | undefined {
  return readBody(tokenBody, request.body)?.token || bearer(request);
}

function bearer(request: FastifyRequest): string | undefined {
  return bearerOf(request.headers.authorization);
}

type Refuse = (status: number, code: `ERR_${string}`, text: string) => ServiceError;

/** `jti` of a token of ours, undefined for those of services. @throws what `refuse` makes */
async function sessionOf(
  token: string,
  keys: SigningKeys,
  now: Date,
  refuse: Refuse,
): Promise<string | undefined> {
  try {
    const claims = await verifyToken(token, keys.find, now);
    return "jti" in claims ? claims.jti : undefined;
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

/** A fault with the word for it that the contract has in `error`. */
function fail(
  status: number,
  code: `ERR_${string}`,
  error: string,
  { cause, ...members }: { readonly cause?: unknown; readonly valid?: false } = {},
): ServiceError {
  return new ServiceError(status, code, error, { cause, members: { error, ...members } });
}
