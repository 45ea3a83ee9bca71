import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { bearerOf, TokenError, verifyToken } from "../kernel/token.ts";
import { requireAdmin } from "./permissionLevel.ts";
import { serviceTokenBody } from "./serviceTokenApi.ts";
import { beginBody, cookieBody, endOneBody, everywhereBody, listBody } from "./sessionApi.ts";
import type { Sessions } from "./sessions.ts";
import type { SigningKeys } from "./signingKeys.ts";
import { exchangeBody, tokenBody } from "./tokenApi.ts";
import { sessionIn } from "./userToken.ts";

export interface OpenApiOptions {
  readonly keys: SigningKeys;
  readonly sessions: Sessions;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** Bodies by path; the very schemas they are checked with. */
const bodies: Readonly<Record<string, z.ZodType>> = {
  "/service-token": serviceTokenBody,
  "/api/token/exchange": exchangeBody,
  "/api/token/validate": tokenBody,
  "/api/token/revoke": tokenBody,
  "/v1/sessions": beginBody,
  "/v1/sessions/resolve": cookieBody,
  "/v1/sessions/refresh": cookieBody,
  "/v1/sessions/end": cookieBody,
  "/v1/sessions/list": listBody,
  "/v1/sessions/end-one": endOneBody,
  "/v1/sessions/end-everywhere": everywhereBody,
};

const problem = {
  description: "A problem (RFC 9457) with a stable `code`.",
  content: { "application/problem+json": { schema: { type: "object", required: ["code"] } } },
};

/** What core can be asked (OpenAPI 3.1). */
export function openApiDocument(): object {
  const paths = Object.entries(bodies).map(([path, schema]) => {
    const body = z.toJSONSchema(schema, { io: "input" });
    const responses = { "2XX": { description: "Done." }, "4XX": problem, "5XX": problem };
    const requestBody = { content: { "application/json": { schema: body } } };
    return [path, { post: { requestBody, responses } }] as const;
  });
  return {
    openapi: "3.1.0",
    info: { title: "HiveMatrix core", version: "1" },
    paths: Object.fromEntries(paths),
  };
}

/** `/openapi.json`, for administrators: with a person's token whose session goes on. */
export function addOpenApi(app: FastifyInstance, options: OpenApiOptions): void {
  const { keys, sessions, clock } = options;
  const document = openApiDocument();
  app.get("/openapi.json", async (request) => {
    const token = bearerOf(request.headers.authorization) ?? "";
    const id = await verifyToken(token, keys.find, new Date(clock())).then(
      sessionIn,
      (fault: unknown) => {
        if (fault instanceof TokenError) return undefined;
        throw fault;
      },
    );
    const found = id === undefined ? undefined : await sessions.find(id);
    if (found === undefined) {
      throw new ServiceError(401, "ERR_TOKEN", "A person's token is needed.", {
        headers: { "www-authenticate": "Bearer" },
      });
    }
    requireAdmin(found.user);
    return document;
  });
}
