import { buffer } from "node:stream/consumers";
import { z } from "zod";

import type { Log } from "../kernel/log.ts";
import type { Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { reportPath } from "./pagePolicy.ts";
import { limitBody } from "./requestBody.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Routes } from "./routes.ts";

const text = z
  .string()
  .transform((value) => value.slice(0, 300))
  .optional()
  .catch(undefined);

/** As browsers send it to a `report-uri` (CSP 3, 5.3). */
const report = z.object({
  "csp-report": z.object({
    "effective-directive": text,
    "violated-directive": text,
    "blocked-uri": text,
    "document-uri": text,
    "line-number": z.number().optional().catch(undefined),
  }),
});

const mostBytes = 16_384;
/** Violations told apart; the same one is logged once an hour. */
const most = 1000;
const period = 3_600_000;

export interface PageReportsOptions {
  readonly routes: () => Routes;
  readonly answers: Answers;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * `POST /api/csp-report/<service>`: one line for what a page did that the strict policy would not
 * allow, so that a service can be moved to it. Anybody may send one: it is text from outside.
 */
export function createPageReports(
  options: PageReportsOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { routes, answers, log, now } = options;
  const told = new Map<string, number>();

  return async (exchange, { raw }) => {
    const service = raw.slice(reportPath.length);
    const known = routes().has(service);
    const body = await buffer(limitBody(exchange.request, mostBytes));
    const parsed = report.safeParse(parse(body));
    if (known && parsed.success) tell(service, parsed.data["csp-report"]);
    answers.bytes(exchange, 204, undefined, {});
  };

  function tell(service: string, found: z.output<typeof report>["csp-report"]): void {
    const directive = found["effective-directive"] ?? found["violated-directive"];
    const blocked = withoutQuery(found["blocked-uri"]);
    const page = withoutQuery(found["document-uri"]);
    const key = JSON.stringify([service, directive, blocked, page]);
    const last = told.get(key);
    if (last !== undefined && now() - last < period) return;
    if (told.size >= most) told.clear();
    told.set(key, now());
    log.warn(
      { app: service, directive, blocked, page, line: found["line-number"] },
      "a page does what the strict policy would refuse",
    );
  }
}

function withoutQuery(address: string | undefined): string | undefined {
  return address?.split(/[?#]/, 1)[0];
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
