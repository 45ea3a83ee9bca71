import { readdirSync, readFileSync } from "node:fs";

import type { Pool } from "pg";

/** Any number, the same for all processes of a service: one of them migrates, the others wait. */
const lock = 4_815_162_342;

/**
 * Brings a database to the newest state, forward only. Each migration and the note of it are one
 * transaction, so an interrupted start is repeated.
 * @param folder of plain SQL files, applied once each in the order of their names: `001_sessions.sql`
 * @returns names of those applied now
 */
export async function migrate(pool: Pool, folder: URL): Promise<string[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  const client = await pool.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [lock]);
    await client.query(
      "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const { rows } = await client.query<{ name: string }>("SELECT name FROM migrations");
    const applied = new Set(rows.map(({ name }) => name));
    const missing = names.filter((name) => !applied.has(name)).sort();
    for (const name of missing) {
      await client.query("BEGIN");
      try {
        await client.query(readFileSync(new URL(name, folder), "utf8"));
        await client.query("INSERT INTO migrations (name) VALUES ($1)", [name]);
        await client.query("COMMIT");
      } catch (fault) {
        await client.query("ROLLBACK");
        throw new Error(`Migration ${name} failed`, { cause: fault });
      }
    }
    return missing;
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [lock]).catch(() => undefined);
    client.release();
  }
}
