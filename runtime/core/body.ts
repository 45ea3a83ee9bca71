import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { bearerOf } from "../kernel/token.ts";

/**
 * Reads bodies as JSON. An empty one is none; one of another type is ignored when the request has
 * its token in the header, where it needs no body.
 */
export function acceptBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (request, text, done) => {
    try {
      done(null, parse(request, text.toString()));
    } catch (fault) {
      done(fault as Error);
    }
  });
}

function parse(request: FastifyRequest, text: string): unknown {
  if (text === "") return undefined;
  if (!/^application\/json *(;|$)/i.test(request.headers["content-type"] ?? "")) {
    if (bearerOf(request.headers.authorization) !== undefined) return undefined;
    throw new ServiceError(415, "ERR_CONTENT_TYPE", "The body must be application/json.");
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ServiceError(400, "ERR_BODY", "The body is not JSON.");
  }
}

/** @throws ServiceError 400 that names what is wrong, never a value */
export function readBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new ServiceError(400, "ERR_BODY", `The body is not usable: ${faults.join("; ")}`);
}
