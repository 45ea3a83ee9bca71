import type { Pool, PoolClient } from "pg";

import { borrow } from "./connection.ts";

/**
 * Commits what `work` does, or nothing of it.
 * @returns what `work` returns
 */
export function transact<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return borrow(pool, async (client, drop) => {
    try {
      await client.query("BEGIN");
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    } catch (fault) {
      await client.query("ROLLBACK").catch(drop);
      throw fault;
    }
  });
}
