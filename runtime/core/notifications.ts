import type { Pool, PoolClient } from "pg";

import type { Log } from "../kernel/log.ts";

/** Milliseconds between attempts to listen again. */
const pause = 1000;

/**
 * PostgreSQL's NOTIFY on a connection of its own. What was missed while that was broken nobody
 * knows, so every handler is called whenever it stands again.
 */
export class Notifications {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #handlers = new Map<string, () => void>();
  #client: PoolClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(pool: Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
  }

  /** @param channel an identifier of SQL; to be set before `start` */
  on(channel: string, handler: () => void): void {
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
      client.on("notification", ({ channel }) => this.#handlers.get(channel)?.());
      this.#client = client;
      for (const channel of this.#handlers.keys()) await client.query(`LISTEN ${channel}`);
      for (const handler of this.#handlers.values()) handler();
    } catch (fault) {
      this.#log.warn({ err: fault }, "cannot listen to the database");
      this.#client?.release(true);
      this.#client = undefined;
      this.#plan();
    }
    if (this.#closed) this.close();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    client?.release(true);
  }

  #lose(client: PoolClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
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
