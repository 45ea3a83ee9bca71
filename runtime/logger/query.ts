import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth } from "./auth.ts";
import type { Cursor, Filter, LogStore } from "./store.ts";
import { readTimestamp, timestampOf } from "./timestamp.ts";
import { wordsOf } from "./words.ts";

type Query = Readonly<Record<string, unknown>>;

/** Milliseconds that counts are of when no time is asked for, and how many spans they have. */
const usualRange = 86_400_000;
const spans = 96;

/** Words of one search; each is looked for in every line found. */
const mostWords = 16;

/**
 * GET /api/logs and /api/logs/<id> (contract 3.3), for administrators and, of the services they may see,
 * for others; and more than the contract:
 * `q` are words that all stand in the message, `cursor` is `next` of the page before, `total` is exact
 * up to 10000 (`total_exact`). GET /api/logs/levels: lines of each level over time.
 */
export function addQuery(
  app: FastifyInstance,
  { auth, store, now }: { auth: Auth; store: LogStore; now: () => Date },
): void {
  const onRequest = auth.reader;
  app.get<{ Querystring: Query }>("/api/logs", { onRequest }, async ({ query, visible }) => {
    const filter = { ...readFilter(query), services: visible ?? undefined };
    const limit = Math.min(1000, readNumber(query, "limit", 100));
    const offset = readNumber(query, "offset", 0);
    const [total, logs] = await Promise.all([
      // The total of all pages, wherever this one begins.
      store.count({ ...filter, before: undefined }),
      store.find(filter, limit, offset),
    ]);
    const last = logs.at(-1);
    const next = last !== undefined && logs.length === limit ? writeCursor(last) : null;
    return { total: total.count, total_exact: total.exact, limit, offset, next, logs };
  });

  app.get<{ Querystring: Query }>("/api/logs/levels", { onRequest }, async ({ query, visible }) => {
    const filter = { ...readFilter(query), services: visible ?? undefined };
    const end = filter.end ?? timestampOf(now());
    const start = filter.start ?? timestampOf(new Date(Date.parse(`${end}Z`) - usualRange));
    const range = Math.max(1, (Date.parse(`${end}Z`) - Date.parse(`${start}Z`)) / 1000);
    const span = Math.max(1, Math.ceil(range / spans));
    const counts = await store.countLevels({ ...filter, start, end }, span);
    return { start_time: start, end_time: end, span_seconds: span, counts };
  });

  app.get<{ Params: { id: string } }>(
    "/api/logs/:id",
    { onRequest },
    async ({ params, visible }) => {
      const id = /^\d{1,15}$/.test(params.id) ? Number(params.id) : undefined;
      const entry = id === undefined ? undefined : await store.get(id);
      const isVisible = entry !== undefined && visible?.includes(entry.service_name) !== false;
      // One that may not be seen is answered like one that is not there.
      if (isVisible) return entry;
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
    words: readWords(query),
    before: readCursor(query),
  };
}

/** `q`: every separator is a space, `*` at the end of a word stands for what may follow. */
function readWords(query: Query): string[] | undefined {
  const text = readText(query, "q");
  if (text === undefined) return undefined;
  const words = text.split(/\s+/).flatMap((part) =>
    wordsOf(part).map((word, index, all) => {
      const open = part.endsWith("*") && index === all.length - 1;
      return open ? `${word}*` : word;
    }),
  );
  if (words.length === 0 || words.length > mostWords) throw invalid("q");
  return [...new Set(words)];
}

function writeCursor({ timestamp, id }: Cursor): string {
  return `${timestamp}_${String(id)}`;
}

function readCursor(query: Query): Cursor | undefined {
  const text = readText(query, "cursor");
  if (text === undefined) return undefined;
  const [, time, id] = /^([\d:.T-]{26})_(\d{1,15})$/.exec(text) ?? [];
  const timestamp = readTimestamp(time);
  if (timestamp === undefined) throw invalid("cursor");
  return { timestamp, id: Number(id) };
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
