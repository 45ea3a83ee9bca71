import type { Pool, PoolClient } from "pg";

/**
 * Commits what `work` does, or nothing of it.
 * @returns what `work` returns
 */
export async function transact<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks between two queries is an event; unheard it would end the process.
  let broken = false;
  const noteBroken = (): void => {
    broken = true;
  };
  client.on("error", noteBroken);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (fault) {
    await client.query("ROLLBACK").catch(noteBroken);
    throw fault;
  } finally {
    client.off("error", noteBroken);
    client.release(broken);
  }
}
