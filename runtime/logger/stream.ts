import type { FastifyInstance, FastifyRequest } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth } from "./auth.ts";
import type { LiveTail } from "./liveTail.ts";
import { readFilter } from "./query.ts";

export interface StreamOptions {
  readonly auth: Auth;
  readonly tail: LiveTail;
  readonly now: () => Date;
}

/** Ends all streams; who follows comes back with the number of the last entry it has. */
export type EndStreams = () => void;

/** Bytes that wait for a follower that reads slowly; then it is cut off, and reads on when it can. */
const lag = 1024 * 1024;

/** Milliseconds between two signs of life, which proxies want. */
const heartbeat = 15_000;

/** Followers of one process. */
const most = 500;

/**
 * GET /api/logs/stream: entries as they are stored, as server-sent events. Takes the filters of
 * /api/logs; goes on after the entry named by `Last-Event-ID` or `after`; ends with the token.
 */
export function addStream(app: FastifyInstance, options: StreamOptions): EndStreams {
  const { auth, tail, now } = options;
  const open = new Set<() => void>();
  app.get<{ Querystring: Readonly<Record<string, unknown>> }>(
    "/api/logs/stream",
    { onRequest: auth.reader },
    async (request, reply) => {
      const filter = { ...readFilter(request.query), services: request.visible ?? undefined };
      if (open.size >= most) throw tooMany();
      // Before the answer begins: from then on nothing may be missed.
      const from = readPosition(request) ?? (await tail.newest());
      reply.hijack();
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders()))
        raw.setHeader(name, value ?? "");
      raw.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      raw.write("retry: 2000\n\n");
      const end = (): void => {
        raw.end();
      };
      open.add(end);
      const beat = setInterval(() => raw.write(":\n\n"), heartbeat).unref();
      const left = (request.claims?.exp ?? 0) * 1000 - now().getTime();
      const expiry = setTimeout(end, Math.min(Math.max(left, 0), 86_400_000)).unref();
      let leave = (): void => undefined;
      raw.once("close", () => {
        open.delete(end);
        clearInterval(beat);
        clearTimeout(expiry);
        leave();
      });
      const send = (text: string): boolean => {
        if (raw.destroyed || raw.writableEnded) return false;
        if (text !== "") raw.write(text);
        if (raw.writableLength <= lag) return true;
        raw.destroy();
        return false;
      };
      try {
        leave = await tail.follow({ filter, send }, from);
        if (raw.destroyed) leave();
      } catch {
        // The head is sent already; who follows tries again.
        raw.destroy();
      }
    },
  );
  return () => {
    for (const end of [...open]) end();
  };
}

function readPosition({ headers, query }: FastifyRequest): number | undefined {
  const text = headers["last-event-id"] ?? (query as Record<string, unknown>)["after"];
  if (text === undefined || text === "") return undefined;
  if (typeof text === "string" && /^\d{1,15}$/.test(text)) return Number(text);
  throw new ServiceError(400, "ERR_QUERY_INVALID", "Invalid after", {
    members: { error: "Invalid after" },
  });
}

function tooMany(): ServiceError {
  const message = "Too many follow the log";
  return new ServiceError(503, "ERR_STREAMS_FULL", message, {
    headers: { "retry-after": "5" },
    members: { error: message },
  });
}
