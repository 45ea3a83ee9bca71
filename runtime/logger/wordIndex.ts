import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";

/** Any number: one process of the logger at a time does this. */
const lock = 2_384_510_979;

/** An index that nothing was added to has no list, and the call costs nothing. */
const statement = `SELECT gin_clean_pending_list(indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'log_words'::regclass)
    AND relkind = 'i' AND relam = (SELECT oid FROM pg_am WHERE amname = 'gin')
    AND pg_try_advisory_xact_lock(${lock})`;

/**
 * Sorts new words into their index, so that neither who stores lines has to (a stop of 100 ms and
 * more) nor who searches has a long list to read.
 */
export class WordIndex {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #ended = false;

  /** @param interval in milliseconds */
  constructor(pool: Pool, log: Log, interval: number) {
    this.#pool = pool;
    this.#log = log;
    this.#interval = interval;
    this.#plan();
  }

  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#working = this.#clean();
    }, this.#interval).unref();
  }

  async #clean(): Promise<void> {
    try {
      await this.#pool.query(statement);
    } catch (fault) {
      // Searches see what waits; the next round does it.
      this.#log.debug({ err: fault }, "words wait for their index");
    }
    if (!this.#ended) this.#plan();
  }
}
