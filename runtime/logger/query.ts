import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth } from "./auth.ts";
import type { Filter, LogStore } from "./store.ts";
import { readTimestamp } from "./timestamp.ts";

type Query = Readonly<Record<string, unknown>>;

/** GET /api/logs and /api/logs/<id> (contract 3.3), for administrators. */
export function addQuery(
  app: FastifyInstance,
  { auth, store }: { auth: Auth; store: LogStore },
): void {
  app.get<{ Querystring: Query }>("/api/logs", { onRequest: auth.admin }, async ({ query }) => {
    const filter = readFilter(query);
    const limit = Math.min(1000, readNumber(query, "limit", 100));
    const offset = readNumber(query, "offset", 0);
    const [total, logs] = await Promise.all([
      store.count(filter),
      store.find(filter, limit, offset),
    ]);
    return { total, limit, offset, logs };
  });

  app.get<{ Params: { id: string } }>(
    "/api/logs/:id",
    { onRequest: auth.admin },
    async ({ params }) => {
      const id = /^\d{1,15}$/.test(params.id) ? Number(params.id) : undefined;
      const entry = id === undefined ? undefined : await store.get(id);
      if (entry !== undefined) return entry;
      throw new ServiceError(404, "ERR_LOG_ENTRY_UNKNOWN", "Log entry not found", {
        members: { error: "Log entry not found" },
      });
    },
  );
}

/**
 * What a query asks for; an empty parameter is none, as forms send it.
 * @throws ServiceError 400
 */
export function readFilter(query: Query): Filter {
  return {
    service: readText(query, "service"),
    level: readText(query, "level")?.toUpperCase(),
    traceId: readText(query, "trace_id"),
    start: readTime(query, "start_time"),
    end: readTime(query, "end_time"),
  };
}

function readText(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string" || value.includes("\0")) throw invalid(name);
  return value;
}

function readTime(query: Query, name: string): string | undefined {
  const text = readText(query, name);
  if (text === undefined) return undefined;
  const time = readTimestamp(text);
  if (time === undefined) throw invalid(name);
  return time;
}

function readNumber(query: Query, name: string, usual: number): number {
  const text = readText(query, name);
  if (text === undefined) return usual;
  if (!/^\d{1,9}$/.test(text)) throw invalid(name);
  return Number(text);
}

function invalid(name: string): ServiceError {
  const message = `Invalid ${name}`;
  return new ServiceError(400, "ERR_QUERY_INVALID", message, { members: { error: message } });
}
