import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { assertionType } from "./assertions.ts";
import type { AuditLog } from "./auditLog.ts";
import { readBody } from "./body.ts";
import type { Quick } from "./busyPaths.ts";
import type { CallerProof } from "./callerProof.ts";
import type { Callers } from "./callers.ts";
import type { CoreConfig } from "./config.ts";
import { fail } from "./contractFault.ts";
import type { Limits } from "./limits.ts";
import { serviceClaims } from "./serviceToken.ts";
import type { SigningKeys } from "./signingKeys.ts";

export interface ServiceTokenApiOptions {
  readonly keys: SigningKeys;
  readonly callers: Callers;
  readonly proof: CallerProof;
  readonly audit: AuditLog;
  readonly limits: Limits;
  readonly config: Pick<
    CoreConfig,
    "CALLS" | "AUDIENCE_SERVICES" | "SERVICE_TOKEN_LIFETIME" | "SERVICE_TOKENS_PER_MINUTE"
  >;
  /** Milliseconds. */
  readonly clock: () => number;
}

export const serviceTokenBody = z.object({
  calling_service: z.unknown().optional(),
  target_service: z.unknown().optional(),
  client_assertion_type: z.literal(assertionType).optional(),
  client_assertion: z.string().max(8192).optional(),
});

/** Names of services (contract 1.5). */
const serviceName = /^[a-z0-9_-]{1,50}$/;

/**
 * The token that one service shows to another (contract 1.5), for callers that prove who they are.
 * @returns the same for a caller with its secret and nothing to object to, without the framework
 */
export function addServiceTokenApi(app: FastifyInstance, options: ServiceTokenApiOptions): Quick {
  const { keys, callers, proof, clock, audit, limits, config } = options;
  const audiences = new Set(config.AUDIENCE_SERVICES);

  function mayCall(actor: string, target: string): boolean {
    const { CALLS: calls } = config;
    if (calls === undefined) return true;
    // An own member: the names of callers are no code of ours, `constructor` may be one.
    return Object.hasOwn(calls, actor) && calls[actor]?.includes(target) === true;
  }

  /** @throws ServiceError 429, which is noted */
  function issue(actor: string, target: string): Promise<string> {
    try {
      limits.take("service-token", actor, config.SERVICE_TOKENS_PER_MINUTE);
    } catch (fault) {
      audit.note({ action: "service_token.limited", actor });
      throw fault;
    }
    audit.note({ action: "service_token.issued", actor, subject: target });
    const now = Math.floor(clock() / 1000);
    const lifetime = config.SERVICE_TOKEN_LIFETIME;
    const audience = audiences.has(target);
    return keys.sign(serviceClaims(actor, target, now, { lifetime, audience }));
  }

  /** @throws ServiceError 403, which is noted */
  function checkCall(actor: string, calling: string, target: string): void {
    if (calling !== actor) {
      const details = { reason: "in the name of another", calling };
      audit.note({ action: "service_token.refused", actor, subject: target, details });
      throw fail(403, "ERR_CALLER_NAME", "calling_service is not the caller");
    }
    if (mayCall(actor, target)) return;
    const details = { reason: "may not call it" };
    audit.note({ action: "service_token.refused", actor, subject: target, details });
    throw fail(403, "ERR_CALL", "The caller may not call target_service");
  }

  app.post(
    "/service-token",
    {
      // Before the body: who does not prove anything learns nothing about it either.
      onRequest: (request) => proof.refuseEarly(request.raw),
    },
    async (request) => {
      const body = readBody(serviceTokenBody, request.body);
      const { client_assertion: assertion, calling_service: named } = body;
      const calls = typeof named === "string" && callers.has(named) ? named : undefined;
      const actor = await proof.of(request.raw, { assertion, calling: calls });
      const { calling, target } = checkNames(body, callers);
      checkCall(actor, calling, target);
      return { token: await issue(actor, target) };
    },
  );

  return async (request, text) => {
    const actor = callers.find(request);
    const body = JSON.parse(text) as { calling_service?: unknown; target_service?: unknown } | null;
    const target = body?.target_service;
    if (actor === undefined || body?.calling_service !== actor) return undefined;
    if (typeof target !== "string" || !callers.has(target) || !mayCall(actor, target)) {
      return undefined;
    }
    return `{"token":"${await issue(actor, target)}"}`;
  };
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
