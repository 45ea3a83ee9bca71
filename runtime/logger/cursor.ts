import type { Pool, PoolClient } from "pg";

/** How far a service's output is stored. */
export interface Cursor {
  readonly inode: string;
  /** Bytes, at the start of a line. */
  readonly position: number;
  /** The first bytes of the file, at most 64. */
  readonly head: Buffer;
  /** Files put aside with this name and smaller ones are done with, or are the one above. */
  readonly after: string;
}

export async function readCursor(pool: Pool, service: string): Promise<Cursor | undefined> {
  const { rows } = await pool.query<Cursor>(
    "SELECT inode, position::float8 AS position, head, after FROM log_cursors WHERE service_name = $1",
    [service],
  );
  return rows[0];
}

/** Services whose output was ever collected. */
export async function listCollected(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT service_name AS name FROM log_cursors ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

/**
 * Moves a cursor, unless somebody else did: while one logger takes over from another, both collect.
 * @param client of the transaction that stores the entries
 * @returns whether it was still where the caller found it; if not, the caller rolls back
 */
export async function moveCursor(
  client: PoolClient,
  service: string,
  from: Cursor | undefined,
  to: Cursor,
): Promise<boolean> {
  const target = [service, to.inode, to.position, to.head, to.after];
  const { rowCount } =
    from === undefined
      ? await client.query(
          `INSERT INTO log_cursors (service_name, inode, position, head, after) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING`,
          target,
        )
      : await client.query(
          `UPDATE log_cursors SET inode = $2, position = $3, head = $4, after = $5
           WHERE service_name = $1 AND inode = $6 AND position = $7 AND head = $8`,
          [...target, from.inode, from.position, from.head],
        );
  return rowCount === 1;
}
