import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { Pool } from "pg";
import { request } from "undici";

import { requestOf } from "./otlp/request.ts";
import type { LogStore } from "./store.ts";

export interface ForwardOptions {
  readonly pool: Pool;
  readonly store: Pick<LogStore, "horizon" | "after">;
  /** An OTLP/HTTP endpoint's address of logs. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Entries of one request. */
const batch = 1000;

/** Milliseconds that the endpoint may take. */
const timeout = 30_000;

const compress = promisify(gzip);

/**
 * Hands every entry to another store, at least once: how far it came is in the database, and moves when
 * the endpoint has taken the entries. A new endpoint begins with what is stored from now on.
 */
export class Forward {
  readonly #options: ForwardOptions;

  constructor(options: ForwardOptions) {
    this.#options = options;
  }

  /**
   * Hands on what waits.
   * @throws when the endpoint does not take it; the next call begins with the same entries
   */
  async run(): Promise<void> {
    const { pool, store, url } = this.#options;
    const horizon = await store.horizon();
    await pool.query(
      "INSERT INTO log_forwards (endpoint, position) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      [url, horizon],
    );
    const { rows } = await pool.query<{ position: number }>(
      "SELECT position::float8 AS position FROM log_forwards WHERE endpoint = $1",
      [url],
    );
    for (let position = rows[0]?.position ?? horizon; position < horizon;) {
      const entries = await store.after(position, horizon, {}, batch);
      if (entries.length > 0) await this.#send(JSON.stringify(requestOf(entries)));
      const next = entries.length < batch ? horizon : (entries.at(-1)?.id ?? horizon);
      // Another process of the logger may be further already.
      await pool.query(
        "UPDATE log_forwards SET position = $2 WHERE endpoint = $1 AND position < $2",
        [url, next],
      );
      position = next;
    }
  }

  async #send(text: string): Promise<void> {
    const { url, headers } = this.#options;
    const { statusCode, body } = await request(url, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip", ...headers },
      body: await compress(text),
      signal: AbortSignal.timeout(timeout),
    });
    await body.dump();
    if (statusCode < 200 || statusCode > 299) throw new Error(`status ${statusCode}`);
  }
}
