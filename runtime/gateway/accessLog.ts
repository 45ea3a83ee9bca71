import type { Entry, LogClient } from "../kernel/log.ts";
import type { Exchange } from "./exchange.ts";

/** Nginx's number for it: the client went before the answer was there. */
const clientLeft = 499;

/** Writes one line when the request has ended. Without the query, which may hold what is secret. */
export function logAccess(
  exchange: Exchange,
  logClient: Pick<LogClient, "write">,
  now: () => number,
): void {
  const { request, response, id, instance, address } = exchange;
  const begin = now();
  response.once("close", () => {
    if (/^\/health(?:\/live)?$/.test(instance)) return;
    const status = response.headersSent ? response.statusCode : clientLeft;
    const path = instance.slice(0, 1000);
    const duration = now() - begin;
    const user = exchange.session?.user.sub;
    const method = request.method ?? "";
    logClient.write({
      level: levelOf(status),
      message: `${method} ${path} ${String(status)} ${String(duration)} ms`,
      context: { method, path, status, duration_ms: duration, address },
      trace_id: id,
      ...(user === undefined ? {} : { user_id: user }),
    });
  });
}

function levelOf(status: number): Entry["level"] {
  return status >= 500 ? "ERROR" : "INFO";
}
