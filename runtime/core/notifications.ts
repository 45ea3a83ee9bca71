import type { Pool, PoolClient } from "pg";

import type { Log } from "../kernel/log.ts";

/** Milliseconds between attempts to listen again. */
const pause = 1000;

/** Milliseconds after which a sign of life is asked for, and for which it counts. */
const askAfter = 400;
const goodFor = 900;

/** Milliseconds that the sign may take; then the connection is dead, whatever it says. */
const patience = 5000;

/**
 * PostgreSQL's NOTIFY on a connection of its own. What was missed while that was broken nobody
 * knows, so every handler is called whenever it stands again.
 */
export class Notifications {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #handlers = new Map<string, (payload: string | undefined) => void>();
  #client: PoolClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** When the last sign of life was asked for that came. */
  #aliveAt = -Infinity;
  #asking = false;

  constructor(pool: Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
  }

  /**
   * @param channel an identifier of SQL; to be set before `start`
   * @param handler gets what was notified; undefined: anything may have been
   */
  on(channel: string, handler: (payload: string | undefined) => void): void {
    this.#handlers.set(channel, handler);
  }

  async start(): Promise<void> {
    try {
      const client = await this.#pool.connect();
      // Both come when a connection breaks, in whatever order.
      client.on("error", () => {
        this.#lose(client);
      });
      client.on("end", () => {
        this.#lose(client);
      });
      client.on("notification", ({ channel, payload = "" }) =>
        this.#handlers.get(channel)?.(payload),
      );
      this.#client = client;
      for (const channel of this.#handlers.keys()) await client.query(`LISTEN ${channel}`);
      for (const handler of this.#handlers.values()) handler(undefined);
    } catch (fault) {
      this.#log.warn({ err: fault }, "cannot listen to the database");
      this.#client?.release(true);
      this.#client = undefined;
      this.#plan();
    }
    if (this.#closed) this.close();
  }

  /**
   * Whether everything has been heard that was said until a second ago: the server answered on the
   * very connection. Asked for only while somebody wants to know.
   */
  get isCurrent(): boolean {
    const age = performance.now() - this.#aliveAt;
    if (age > askAfter) void this.#ask();
    return age <= goodFor;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#aliveAt = -Infinity;
    client?.release(true);
  }

  async #ask(): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.#asking) return;
    this.#asking = true;
    const askedAt = performance.now();
    const late = setTimeout(() => {
      this.#lose(client);
    }, patience);
    try {
      await client.query("SELECT");
      // A server tells what was notified before it answers.
      if (this.#client === client) this.#aliveAt = askedAt;
    } catch {
      this.#lose(client);
    } finally {
      clearTimeout(late);
      this.#asking = false;
    }
  }

  #lose(client: PoolClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#aliveAt = -Infinity;
    client.release(true);
    this.#log.warn("the connection that listens to the database broke");
    this.#plan();
  }

  #plan(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.start(), pause).unref();
  }
}
