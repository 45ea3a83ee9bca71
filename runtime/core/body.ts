import type { IncomingMessage } from "node:http";

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { bearerOf } from "../kernel/token.ts";
import { bodyOf } from "./busyPaths.ts";

/** Bytes of a request's body. */
export const bodyLimit = 65_536;

/**
 * Reads bodies as JSON. An empty one is none; one of another type is ignored when the request has
 * its token in the header, where it needs no body.
 */
export function acceptBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (request, payload, done) => {
    textOf(request.raw, payload)
      .then((text) => parse(request, text))
      .then((body) => {
        done(null, body);
      }, done);
  });
}

/** A busy path has read it already when it hands a request on. */
async function textOf(request: IncomingMessage, payload: AsyncIterable<unknown>): Promise<string> {
  const read = bodyOf(request);
  if (read !== undefined) return read;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimit) {
      throw new ServiceError(413, "ERR_BODY_TOO_LARGE", "The body is too large.");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
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
