import type { Pool } from "pg";

import { borrow } from "./connection.ts";

/**
 * Does what one process of the logger at a time does.
 * @param lock any number, the same for all of them
 * @returns undefined when another is at it
 */
export function takeTurn<T>(
  pool: Pool,
  lock: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return borrow(pool, async (client, drop) => {
    try {
      const { rows } = await client.query<{ mine: boolean }>(
        "SELECT pg_try_advisory_lock($1) AS mine",
        [lock],
      );
      return rows[0]?.mine === true ? await work() : undefined;
    } finally {
      await client.query("SELECT pg_advisory_unlock_all()").catch(drop);
    }
  });
}
