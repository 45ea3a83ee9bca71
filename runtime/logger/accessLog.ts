import type { FastifyReply, FastifyRequest } from "fastify";

import type { Log } from "../kernel/log.ts";
import { normalizeEntry, type LogEntry } from "./entry.ts";
import type { LogStore } from "./store.ts";

export interface AccessLogOptions {
  readonly service: string;
  readonly store: LogStore;
  readonly log: Log;
  readonly now: () => Date;
  /** Milliseconds between two writes; default 500. */
  readonly interval?: number;
}

/** Lines kept while the database is away; the oldest go first. */
const capacity = 1000;

/** A line for each request, straight into the store: never waits, never fails a request. */
export class AccessLog {
  readonly #options: Required<AccessLogOptions>;
  #waiting: LogEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AccessLogOptions) {
    this.#options = { interval: 500, ...options };
  }

  write(request: FastifyRequest, reply: FastifyReply): void {
    const { service, now } = this.#options;
    const { method, claims } = request;
    const path = request.url.replace(/[?#].*/s, "");
    const status = reply.statusCode;
    const duration = Math.round(reply.elapsedTime * 10) / 10;
    const raw = {
      level: status >= 500 ? "ERROR" : "INFO",
      message: `${method} ${path} ${String(status)} ${String(duration)} ms`,
      context: { method, path, status, duration_ms: duration },
      trace_id: request.id,
      user_id: claims === null ? null : nameOf(claims),
    };
    const entry = normalizeEntry(raw, service, now());
    if ("reason" in entry) return;
    this.#waiting.push(entry);
    if (this.#waiting.length > capacity) this.#waiting.shift();
    this.#plan();
  }

  /** Writes what waits, with one attempt. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#flush();
    clearTimeout(this.#timer);
  }

  #plan(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#flush();
    }, this.#options.interval).unref();
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      await this.#options.store.insert(batch);
    } catch (fault) {
      this.#waiting = [...batch, ...this.#waiting].slice(-capacity);
      this.#options.log.debug({ err: fault }, "access lines wait for the database");
      this.#plan();
    }
  }
}

function nameOf(claims: NonNullable<FastifyRequest["claims"]>): string {
  return claims.type === "service" ? `service:${claims.calling_service}` : claims.sub;
}
