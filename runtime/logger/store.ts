import { DatabaseError, type Pool, type PoolClient } from "pg";

import { ServiceError } from "../kernel/serviceError.ts";
import type { LogEntry } from "./entry.ts";
import { Partitions } from "./partitions.ts";

export interface StoredEntry extends LogEntry {
  readonly id: number;
}

/** What is looked for; times are naive UTC, inclusive. */
export interface Filter {
  readonly service?: string | undefined;
  readonly level?: string | undefined;
  readonly traceId?: string | undefined;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

const columns = [
  ["timestamp", "timestamp"],
  ["service_name", "text"],
  ["level", "text"],
  ["message", "text"],
  ["context", "text"],
  ["trace_id", "text"],
  ["user_id", "text"],
  ["hostname", "text"],
  ["process_id", "integer"],
] as const;

const names = columns.map(([name]) => name).join(", ");
const values = columns.map(([name]) => (name === "context" ? "context::jsonb" : name)).join(", ");
const arrays = columns.map(([, type], index) => `$${String(index + 1)}::${type}[]`).join(", ");

/** One statement and one plan for a batch of any size. */
const insertion = `INSERT INTO log_entries (${names}) SELECT ${values} FROM unnest(${arrays}) AS entry (${names})`;

const selection = `SELECT id::float8 AS id, to_char(timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US') AS timestamp,
  service_name, level, message, context, trace_id, user_id, hostname, process_id FROM log_entries`;

/** The log entries in the database. */
export class LogStore {
  readonly partitions: Partitions;
  readonly #pool: Pool;

  constructor(pool: Pool, now: () => Date) {
    this.#pool = pool;
    this.partitions = new Partitions(pool, now);
  }

  /**
   * Stores all or nothing.
   * @param client of a transaction that more belongs to; call `partitions.cover` before it
   */
  async insert(entries: readonly LogEntry[], client?: PoolClient): Promise<void> {
    if (entries.length === 0) return;
    if (client === undefined) {
      await this.partitions.cover(entries.map(({ timestamp }) => timestamp));
    }
    const parameters = columns.map(([name]) =>
      entries.map((entry) =>
        name === "context" && entry.context !== null ? JSON.stringify(entry.context) : entry[name],
      ),
    );
    await (client ?? this.#pool).query(insertion, parameters);
  }

  /** Newest first; among entries of one time the one stored last. */
  async find(filter: Filter, limit: number, offset: number): Promise<StoredEntry[]> {
    const { text, parameters } = conditionOf(filter);
    const count = parameters.length;
    const { rows } = await this.#pool.query<StoredEntry>(
      `${selection}${text} ORDER BY log_entries.timestamp DESC, log_entries.id DESC
       LIMIT $${String(count + 1)} OFFSET $${String(count + 2)}`,
      [...parameters, limit, offset],
    );
    return rows;
  }

  async count(filter: Filter): Promise<number> {
    const { text, parameters } = conditionOf(filter);
    const { rows } = await this.#pool.query<{ total: number }>(
      `SELECT count(*)::float8 AS total FROM log_entries${text}`,
      parameters,
    );
    return rows[0]?.total ?? 0;
  }

  async get(id: number): Promise<StoredEntry | undefined> {
    const { rows } = await this.#pool.query<StoredEntry>(`${selection} WHERE id = $1`, [id]);
    return rows[0];
  }

  /** Entries of each service and level from `start` on. */
  async stats(start: string): Promise<Record<string, Record<string, number>>> {
    const { rows } = await this.#pool.query<{ service: string; level: string; count: number }>(
      `SELECT service_name AS service, level, count(*)::float8 AS count FROM log_entries
       WHERE timestamp >= $1 GROUP BY 1, 2 ORDER BY 1, 2`,
      [start],
    );
    const stats: Record<string, Record<string, number>> = {};
    for (const { service, level, count } of rows) (stats[service] ??= {})[level] = count;
    return stats;
  }
}

function conditionOf(filter: Filter): { text: string; parameters: string[] } {
  const conditions: readonly (readonly [string, string | undefined])[] = [
    ["service_name = ", filter.service],
    ["level = ", filter.level],
    ["trace_id = ", filter.traceId],
    ["timestamp >= ", filter.start],
    ["timestamp <= ", filter.end],
  ];
  const used = conditions.filter((condition): condition is [string, string] => {
    return condition[1] !== undefined;
  });
  const text = used.map(([condition], index) => `${condition}$${String(index + 1)}`);
  return {
    text: text.length === 0 ? "" : ` WHERE ${text.join(" AND ")}`,
    parameters: used.map(([, value]) => value),
  };
}

/** Classes of SQLSTATE: no connection, out of resources, stopped by its operator. */
const away = /^(08|53|57)/;

/** A database that is away is worth another attempt (503); any other fault stays what it is. */
export function storeFault(fault: unknown): unknown {
  const isAway =
    fault instanceof DatabaseError
      ? away.test(fault.code ?? "")
      : // The driver's own faults of connections are plain errors.
        fault instanceof Error && ["Error", "AggregateError"].includes(fault.name);
  if (!isAway) return fault;
  return new ServiceError(503, "ERR_STORE_UNAVAILABLE", "The log store does not answer.", {
    cause: fault,
    headers: { "retry-after": "2" },
    members: { error: "The log store does not answer" },
  });
}
