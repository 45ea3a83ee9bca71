import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { readBody } from "./body.ts";
import type { Callers } from "./callers.ts";
import type { Events } from "./events.ts";
import { IdentityRefused, IdentityUnavailable } from "./keycloak.ts";
import type { Sessions } from "./sessions.ts";

export interface SessionApiOptions {
  readonly sessions: Sessions;
  readonly events: Events;
  readonly callers: Callers;
  /** Name of the one caller that may use it. */
  readonly gateway: string;
}

const keycloakToken = z.string().min(1).max(16_384);

export const beginBody = z.strictObject({
  access_token: keycloakToken,
  refresh_token: keycloakToken.optional(),
  id_token: keycloakToken.optional(),
  /** Of the browser, to tell its owner where the session is from. */
  address: z.string().max(100).optional(),
  agent: z
    .string()
    .transform((text) => text.slice(0, 500))
    .optional(),
});

export const cookieBody = z.strictObject({ cookie: z.string().min(1).max(100) });

/** Everybody's is for admins, by the session's own level. */
export const listBody = cookieBody.extend({ everybody: z.boolean().default(false) });
export const endOneBody = cookieBody.extend({ id: z.string().min(1).max(100) });
export const everywhereBody = cookieBody.extend({ sub: z.string().min(1).max(100).optional() });

const eventNumber = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const eventQuery = z.object({ after: eventNumber.optional() });

/** What the gateway alone may do: begin, resolve and end the sessions of browsers, and listen. */
export function addSessionApi(app: FastifyInstance, options: SessionApiOptions): void {
  const { sessions, events, callers, gateway } = options;

  void app.register(
    (api, _options, done) => {
      api.addHook("onRequest", (request, _reply, next) => {
        if (callers.of(request.raw) !== gateway) {
          throw new ServiceError(403, "ERR_CALLER_NAME", "This is for the gateway alone.");
        }
        next();
      });

      api.post("/sessions", async (request, reply) => {
        const grant = readBody(beginBody, request.body);
        try {
          return await reply.code(201).send(await sessions.begin(grant));
        } catch (cause) {
          throw asServiceError(cause);
        }
      });

      api.post("/sessions/resolve", async (request) => {
        const { cookie } = readBody(cookieBody, request.body);
        return { session: await sessions.resolve(cookie, false) };
      });

      api.post("/sessions/refresh", async (request) => {
        const { cookie } = readBody(cookieBody, request.body);
        return { session: await sessions.resolve(cookie, true) };
      });

      api.post("/sessions/end", async (request) => {
        const { cookie } = readBody(cookieBody, request.body);
        const id_token = await sessions.end(cookie);
        return id_token === undefined ? {} : { id_token };
      });

      api.post("/sessions/list", async (request) => {
        const { cookie, everybody } = readBody(listBody, request.body);
        return { sessions: await sessions.list(cookie, everybody) };
      });

      api.post("/sessions/end-one", async (request) => {
        const { cookie, id } = readBody(endOneBody, request.body);
        return { ended: await sessions.endOne(cookie, id) };
      });

      api.post("/sessions/end-everywhere", async (request) => {
        const { cookie, sub } = readBody(everywhereBody, request.body);
        return { ended: await sessions.endEverywhere(cookie, sub) };
      });

      api.get("/events", async (request, reply) => {
        const { after } = readBody(eventQuery, {
          after: request.headers["last-event-id"] ?? (request.query as { after?: string }).after,
        });
        const start = await events.startAt(after);
        reply.hijack();
        events.follow(reply.raw, start);
      });
      done();
    },
    { prefix: "/v1" },
  );
}

function asServiceError(fault: unknown): unknown {
  if (fault instanceof IdentityRefused) {
    const message = "The identity provider does not vouch for this access token.";
    return new ServiceError(401, "ERR_ACCESS_TOKEN", message, { cause: fault });
  }
  if (fault instanceof IdentityUnavailable) {
    const message = "The identity provider does not answer.";
    return new ServiceError(503, "ERR_IDENTITY_UNAVAILABLE", message, {
      cause: fault,
      headers: { "retry-after": "5" },
    });
  }
  return fault;
}
