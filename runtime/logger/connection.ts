import type { Pool, PoolClient } from "pg";

/**
 * Lends a connection of the pool to `work`.
 * @param work calls `drop` when nobody knows what the connection still holds; it does not come back then
 * @returns what `work` returns
 */
export async function borrow<T>(
  pool: Pool,
  work: (client: PoolClient, drop: () => void) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  const drop = (): void => {
    broken = true;
  };
  // A connection that breaks between two queries is an event; unheard it would end the process.
  client.on("error", drop);
  try {
    return await work(client, drop);
  } finally {
    client.off("error", drop);
    client.release(broken);
  }
}
