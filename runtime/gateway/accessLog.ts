import type { Entry } from "../kernel/log.ts";
import type { LogClient } from "../kernel/logClient.ts";
import type { Exchange } from "./exchange.ts";
import { isProbe } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** Nginx's number for it: the client went before the answer was there. */
const clientLeft = 499;

type Destination = Pick<LogClient, "write">;

/** Counts the request and writes one line when it has ended. */
export function logAccess(
  exchange: Exchange,
  logClient: Destination,
  metrics: Pick<Metrics, "request">,
  now: () => number,
): void {
  const { response } = exchange;
  const begin = now();
  response.on("close", () => {
    const status = response.headersSent ? response.statusCode : clientLeft;
    writeAccess(exchange, status, now() - begin, logClient, metrics);
  });
}

/** Without the query, which may hold what is secret. @param duration milliseconds */
export function writeAccess(
  exchange: Exchange,
  status: number,
  duration: number,
  logClient: Destination,
  metrics: Pick<Metrics, "request">,
): void {
  const { request, id, instance, address } = exchange;
  const method = request.method ?? "";
  metrics.request(exchange.service ?? "", method, status, duration);
  if (isProbe(instance)) return;
  const path = instance.slice(0, 1000);
  const entry: Entry = {
    level: levelOf(status, instance),
    message: `${method} ${path} ${String(status)} ${String(duration)} ms`,
    context: { method, path, status, duration_ms: duration, address },
    trace_id: id,
  };
  const user = exchange.session?.user.sub;
  logClient.write(user === undefined ? entry : { ...entry, user_id: user });
}

/** Our own files are asked for with every page; nobody looks for them among what people did. */
function levelOf(status: number, path: string): Entry["level"] {
  if (status >= 500) return "ERROR";
  return status < 400 && path.startsWith("/static/") ? "DEBUG" : "INFO";
}
