import type { Pool, PoolClient } from "pg";

import { timestampOf } from "./timestamp.ts";
import { transact } from "./transaction.ts";

const milliseconds = 86_400_000;

/** Days ahead whose partitions are made beforehand. */
const ahead = 7;

/** Days back for which an entry may have a partition made; older ones go to the default partition. */
const back = 30;

/** Any number, the same for all processes of the logger. */
const lock = 2_384_510_977;

/** Tables with partitions, and the time by which a row belongs to one. */
const tables = { log_entries: "timestamp", log_words: "last_time" } as const;

/** The partitions of log_entries and log_words, one for each day in UTC: `log_entries_20261124`. */
export class Partitions {
  readonly #known = new Set<string>();
  readonly #pool: Pool;
  readonly #now: () => Date;

  constructor(pool: Pool, now: () => Date) {
    this.#pool = pool;
    this.#now = now;
  }

  /** Yesterday to a week ahead. */
  async prepare(): Promise<void> {
    await this.#cover(Array.from({ length: ahead + 2 }, (_, index) => this.#day(index - 1)));
  }

  /** For the days of these times, unless they are too far away. */
  async cover(entries: readonly { readonly timestamp: string }[]): Promise<void> {
    const days = new Set<string>();
    for (const { timestamp } of entries) days.add(timestamp.slice(0, 10));
    const [first, last] = [this.#day(-back), this.#day(ahead)];
    await this.#cover([...days].filter((day) => day >= first && day <= last));
  }

  #day(offset: number): string {
    return dayOf(new Date(this.#now().getTime() + offset * milliseconds));
  }

  async #cover(days: readonly string[]): Promise<void> {
    const missing = days.filter((day) => !this.#known.has(day));
    if (missing.length === 0) return;
    await transact(this.#pool, async (client) => {
      await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
      for (const day of missing) await createPartition(client, day);
    });
    for (const day of missing) this.#known.add(day);
  }
}

function dayOf(date: Date): string {
  return timestampOf(date).slice(0, 10);
}

/** Attached only when it has the day's rows of the default partition: both at once is refused. */
async function createPartition(client: PoolClient, day: string): Promise<void> {
  const suffix = day.replaceAll("-", "");
  const next = dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + milliseconds));
  const found = await client.query("SELECT to_regclass($1) IS NOT NULL AS exists", [
    `log_entries_${suffix}`,
  ]);
  if ((found.rows as { exists: boolean }[])[0]?.exists === true) return;
  for (const [table, column] of Object.entries(tables)) {
    const range = `${column} >= '${day}' AND ${column} < '${next}'`;
    await client.query(`CREATE TABLE ${table}_${suffix} (LIKE ${table}, CHECK (${range}))`);
    await client.query(
      `WITH strays AS (DELETE FROM ${table}_default WHERE ${range} RETURNING *)
       INSERT INTO ${table}_${suffix} SELECT * FROM strays`,
    );
    await client.query(
      `ALTER TABLE ${table} ATTACH PARTITION ${table}_${suffix} FOR VALUES FROM ('${day}') TO ('${next}')`,
    );
  }
}
