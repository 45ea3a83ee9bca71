import { statfs } from "node:fs/promises";

import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import type { LoggerSettings } from "./settings.ts";
import { timestampOf } from "./timestamp.ts";
import { takeTurn } from "./turn.ts";

export interface RetentionOptions {
  readonly pool: Pool;
  readonly log: Log;
  readonly settings: LoggerSettings["retention"];
  readonly now: () => Date;
  /** Percent of the disk in use; undefined when nobody knows. */
  readonly usage: () => Promise<number | undefined>;
}

interface Day {
  /** `20261124`. */
  readonly name: string;
  readonly bytes: number;
}

/** Any number: one process of the logger at a time does this. */
const lock = 2_384_510_981;

const dayLength = 86_400_000;

/** Entries deleted in one statement. */
const batch = 5000;

/** Of the disk that has this folder. */
export async function diskUsage(folder: string): Promise<number | undefined> {
  try {
    const { blocks, bavail } = await statfs(folder);
    return 100 * (1 - bavail / blocks);
  } catch {
    return undefined;
  }
}

/**
 * Lets go of old lines: whole days beyond their age, the oldest days when all together are too large or
 * the disk is almost full (which is said in the log), and single services' lines. Today stays always.
 */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** @returns names of the days that were dropped */
  async apply(): Promise<string[]> {
    const dropped = await takeTurn(this.#options.pool, lock, async () => {
      const names = await this.#dropDays();
      await this.#deleteEntries();
      return names;
    });
    return dropped ?? [];
  }

  async #dropDays(): Promise<string[]> {
    const { log, settings } = this.#options;
    const { days: age, gigabytes, highWater } = settings;
    const today = this.#dayBefore(0);
    const dropped: string[] = [];
    let days = await this.#days();
    const drop = async (name: string): Promise<void> => {
      await this.#drop(name);
      dropped.push(name);
      days = days.filter((day) => day.name !== name);
    };
    for (const { name } of days) if (name < this.#dayBefore(age)) await drop(name);
    for (;;) {
      const [oldest] = days;
      if (oldest === undefined || oldest.name >= today) return dropped;
      const size = days.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 30;
      const usage = (await this.#options.usage()) ?? 0;
      if (size <= gigabytes && usage < highWater) return dropped;
      const reason = size > gigabytes ? "the lines are too many" : "the disk is almost full";
      log.error(
        { day: oldest.name, gigabytes: size, disk_percent: usage },
        `the lines of ${oldest.name} are dropped before their time: ${reason}`,
      );
      await drop(oldest.name);
    }
  }

  /** Oldest first. */
  async #days(): Promise<Day[]> {
    const { rows } = await this.#options.pool.query<Day>(
      `SELECT right(relname, 8) AS name, sum(pg_total_relation_size(inhrelid))::float8 AS bytes
       FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent IN ('log_entries'::regclass, 'log_words'::regclass)
         AND relname ~ '^log_(entries|words)_\\d{8}$'
       GROUP BY 1 ORDER BY 1`,
    );
    return rows;
  }

  /** Waits a moment only for who reads: everybody else would wait behind this. */
  async #drop(day: string): Promise<void> {
    await this.#options.pool.query(
      `BEGIN; SET LOCAL lock_timeout = '5s';
       DROP TABLE IF EXISTS log_entries_${day}, log_words_${day}; COMMIT`,
    );
  }

  async #deleteEntries(): Promise<void> {
    const { settings } = this.#options;
    const all = this.#timeBefore(settings.days);
    // Days that no partition was made for.
    await this.#delete("log_entries_default", "timestamp < $1", [all]);
    await this.#options.pool.query("DELETE FROM log_words_default WHERE last_time < $1", [all]);
    for (const [service, age] of Object.entries(settings.services)) {
      const values = [this.#timeBefore(age), service];
      await this.#delete("log_entries", "timestamp < $1 AND service_name = $2", values);
    }
  }

  async #delete(table: string, condition: string, values: readonly string[]): Promise<void> {
    for (;;) {
      const { rowCount } = await this.#options.pool.query(
        `DELETE FROM ${table} WHERE (tableoid, ctid) IN
           (SELECT tableoid, ctid FROM ${table} WHERE ${condition} LIMIT ${batch})`,
        [...values],
      );
      if ((rowCount ?? 0) < batch) return;
    }
  }

  #dayBefore(days: number): string {
    return this.#timeBefore(days).slice(0, 10).replaceAll("-", "");
  }

  #timeBefore(days: number): string {
    return timestampOf(new Date(this.#options.now().getTime() - days * dayLength));
  }
}
