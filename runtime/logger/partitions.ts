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

/** The partitions of log_entries, one for each day in UTC: `log_entries_20261124`. */
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
  async cover(timestamps: Iterable<string>): Promise<void> {
    const [first, last] = [this.#day(-back), this.#day(ahead)];
    const days = new Set(Array.from(timestamps, (timestamp) => timestamp.slice(0, 10)));
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

/** Attached only when it has the day's entries of the default partition: both at once is refused. */
async function createPartition(client: PoolClient, day: string): Promise<void> {
  const name = `log_entries_${day.replaceAll("-", "")}`;
  const next = dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + milliseconds));
  const found = await client.query("SELECT to_regclass($1) IS NOT NULL AS exists", [name]);
  if ((found.rows as { exists: boolean }[])[0]?.exists === true) return;
  const range = `timestamp >= '${day}' AND timestamp < '${next}'`;
  await client.query(`CREATE TABLE ${name} (LIKE log_entries, CHECK (${range}))`);
  await client.query(
    `WITH strays AS (DELETE FROM log_entries_default WHERE ${range} RETURNING *)
     INSERT INTO ${name} SELECT * FROM strays`,
  );
  await client.query(
    `ALTER TABLE log_entries ATTACH PARTITION ${name} FOR VALUES FROM ('${day}') TO ('${next}')`,
  );
}
