import type { FastifyError, FastifyInstance } from "fastify";

import type { Log } from "../kernel/log.ts";
import { problemOf, ServiceError } from "../kernel/serviceError.ts";

/**
 * Answers every fault as a problem (RFC 9457). `instance` is the route and not the path that was
 * asked for, which may hold anything.
 */
export function answerFaults(app: FastifyInstance, log: Log): void {
  const methods = new Map<string, string[]>();
  app.addHook("onRoute", ({ url, method }) => {
    methods.set(url, [...(methods.get(url) ?? []), ...[method].flat()]);
  });
  app.setNotFoundHandler((request) => {
    const allowed = methods.get(request.url.split("?", 1)[0] ?? "");
    if (allowed === undefined) throw new ServiceError(404, "ERR_PATH", "There is no such path.");
    throw new ServiceError(405, "ERR_METHOD", "The path does not have this method.", {
      headers: { allow: allowed.join(", ") },
    });
  });
  app.setErrorHandler(async (fault: FastifyError, request, reply) => {
    const route = request.routeOptions.url ?? "/";
    const known = asServiceError(fault);
    const line = { err: known?.cause ?? fault, trace_id: request.id, route };
    if (known === undefined) log.error(line, "failed");
    else if (known.status >= 500) log.warn(line, "cannot be done now");
    const { status, headers, body } = problemOf(known ?? fault, route);
    // To a text Fastify would add a charset, which JSON does not have (RFC 8259, 11).
    return reply
      .code(status)
      .headers(headers)
      .send(Buffer.from(JSON.stringify(body)));
  });
}

/** Codes of what Fastify itself refuses. */
const codes: Readonly<Record<number, `ERR_${string}`>> = {
  413: "ERR_BODY_TOO_LARGE",
  415: "ERR_CONTENT_TYPE",
};

/** Connection faults of pg, and PostgreSQL's codes for being full, about to stop or to start. */
const databaseFault =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|53300|57P0[123]|08...)$|Connection terminated|connection timeout|timeout exceeded/;

function asServiceError(fault: FastifyError): ServiceError | undefined {
  if (fault instanceof ServiceError) return fault;
  const { statusCode = 500, code, message } = fault;
  if (statusCode < 500) {
    return new ServiceError(statusCode, codes[statusCode] ?? "ERR_REQUEST", message);
  }
  if (!databaseFault.test(code) && !databaseFault.test(message)) return undefined;
  return new ServiceError(503, "ERR_DATABASE_UNAVAILABLE", "The database does not answer.", {
    cause: fault,
    headers: { "retry-after": "1" },
  });
}
