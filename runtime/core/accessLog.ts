import type { FastifyInstance } from "fastify";

import type { LogClient } from "../kernel/logClient.ts";

/** Paths that are asked all the time by machines. */
const quiet = new Set(["/health"]);

/** One line for each request, to the logger. It has the route, as a path or query may hold secrets. */
export function logAccess(app: FastifyInstance, client: LogClient): void {
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "(unknown path)";
    if (!quiet.has(route)) {
      const duration = Math.round(reply.elapsedTime);
      const { statusCode: status } = reply;
      client.write({
        level: status >= 500 ? "ERROR" : "INFO",
        message: `${request.method} ${route} ${status} ${duration} ms`,
        trace_id: request.id,
        context: { method: request.method, path: route, status, duration_ms: duration },
      });
    }
    done();
  });
}
