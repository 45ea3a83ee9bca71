import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth } from "./auth.ts";
import { listCollected } from "./cursor.ts";
import { renderForbidden } from "./pages/document.ts";
import { renderOverview } from "./pages/overview.ts";
import type { Probes } from "./probes.ts";
import { readFilter } from "./query.ts";
import { storeFault, type LogStore } from "./store.ts";

export interface PageOptions {
  readonly auth: Auth;
  readonly store: LogStore;
  readonly probes: Probes;
  readonly pool: Pool;
  readonly log: Log;
}

/** Log lines on the page. */
const lines = 100;

/** GET `/`: services and last log lines, for administrators; others get a page that says so. */
export function addPage(app: FastifyInstance, options: PageOptions): void {
  const { auth, store, probes, pool, log } = options;
  app.get<{ Querystring: Readonly<Record<string, unknown>> }>(
    "/",
    {
      onRequest: auth.admin,
      errorHandler: (fault, _request, reply) => {
        // Everything else is rendered as it is for programs.
        if (!(fault instanceof ServiceError) || fault.status !== 403) throw fault;
        void reply.code(403).type("text/html; charset=utf-8").send(renderForbidden());
      },
    },
    async (request, reply) => {
      const filter = readFilter(request.query);
      const { service = "", level = "", traceId = "" } = filter;
      // Without a database the states are shown all the same: then they are what one looks for.
      const [states, found] = await Promise.all([
        probes.all(),
        Promise.all([store.find(filter, lines, 0), listCollected(pool)]).catch((fault: unknown) => {
          if (storeFault(fault) === fault) throw fault;
          log.warn({ err: fault }, "the page has no log lines");
          return undefined;
        }),
      ]);
      const services = [...new Set([...probes.names, ...(found?.[1] ?? [])])].sort();
      const asked = { service, level, traceId };
      const prefix = prefixOf(request);
      void reply.type("text/html; charset=utf-8").header("cache-control", "no-store");
      return renderOverview({ prefix, states, services, asked, entries: found?.[0] });
    },
  );
}

/** Of the gateway; anything that is no path of plain segments is none. */
function prefixOf({ headers }: FastifyRequest): string {
  const prefix = headers["x-forwarded-prefix"];
  return typeof prefix === "string" && /^(?:\/[a-z0-9_-]{1,50})+$/.test(prefix) ? prefix : "";
}
