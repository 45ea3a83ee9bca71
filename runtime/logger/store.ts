import { DatabaseError, type Pool, type PoolClient } from "pg";

import { ServiceError } from "../kernel/serviceError.ts";
import type { LogEntry } from "./entry.ts";
import { Partitions } from "./partitions.ts";
import { formsOf } from "./traceId.ts";
import { Writer, writeEntries } from "./writer.ts";

export interface StoredEntry extends LogEntry {
  readonly id: number;
}

/** What is looked for; times are naive UTC, inclusive. */
export interface Filter {
  readonly service?: string | undefined;
  /** Those alone that may be seen; undefined: all. */
  readonly services?: readonly string[] | undefined;
  readonly level?: string | undefined;
  readonly traceId?: string | undefined;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  /** Words that all stand in the message, in lower case; `*` at the end of one: words that begin so. */
  readonly words?: readonly string[] | undefined;
  /** Only what comes after this entry in an answer, newest first. */
  readonly before?: Cursor | undefined;
}

/** Where a page of an answer ended. */
export interface Cursor {
  /** Naive UTC. */
  readonly timestamp: string;
  readonly id: number;
}

export interface Total {
  readonly count: number;
  /** Whether there are exactly so many, not at least. */
  readonly exact: boolean;
}

/** How far totals are counted: who has that many asks something else. */
const totalLimit = 10_000;

export interface LevelCount {
  /** Beginning of the span, naive UTC. */
  readonly start: string;
  readonly level: string;
  readonly count: number;
}

const selection = `SELECT id::float8 AS id, to_char(timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US') AS timestamp,
  service_name, level, message, context, trace_id, user_id, hostname, process_id FROM log_entries`;

/** The log entries in the database. */
export class LogStore {
  readonly partitions: Partitions;
  readonly #pool: Pool;
  readonly #writer: Writer;

  constructor(pool: Pool, now: () => Date) {
    this.#pool = pool;
    this.partitions = new Partitions(pool, now);
    this.#writer = new Writer(pool, this.partitions);
  }

  /**
   * Stores all or nothing.
   * @param client of a transaction that more belongs to; call `partitions.cover` before it
   */
  async insert(entries: readonly LogEntry[], client?: PoolClient): Promise<void> {
    if (client !== undefined) await writeEntries(client, entries);
    else if (entries.length > 0) await this.#writer.write(entries);
  }

  /** Newest first; among entries of one time the one stored last. */
  async find(filter: Filter, limit: number, offset: number): Promise<StoredEntry[]> {
    if (filter.words !== undefined) return await this.#search(filter, limit, offset);
    const { text, parameters } = conditionOf(filter);
    const { rows } = await this.#pool.query<StoredEntry>(
      `${selection}${text} ${newest} LIMIT ${limit} OFFSET ${offset}`,
      parameters,
    );
    return rows;
  }

  /** Entries that match, up to a limit. */
  async count(filter: Filter): Promise<Total> {
    const { text, parameters } = conditionOf(filter);
    const source =
      filter.words === undefined
        ? `log_entries${text}`
        : `(${groupsOf(filter, 100_000)}) AS found ${entriesOfGroups}${text}`;
    const { rows } = await this.#pool.query<{ total: number }>(
      `SELECT count(*)::float8 AS total FROM (SELECT 1 FROM ${source} LIMIT ${totalLimit + 1}) AS limited`,
      parameters,
    );
    const total = rows[0]?.total ?? 0;
    return { count: Math.min(total, totalLimit), exact: total <= totalLimit };
  }

  /**
   * Entries of each level in spans of equal length.
   * @param span in seconds
   */
  async countLevels(filter: Filter, span: number): Promise<LevelCount[]> {
    const { text, parameters } = conditionOf(filter);
    const source =
      filter.words === undefined
        ? `log_entries${text}`
        : `(${groupsOf(filter, 100_000)}) AS found ${entriesOfGroups}${text}`;
    const { rows } = await this.#pool.query<LevelCount>(
      `SELECT to_char(date_bin('${span} s', log_entries.timestamp, '1970-01-01'), 'YYYY-MM-DD"T"HH24:MI:SS.US') AS start,
         level, count(*)::float8 AS count
       FROM ${source} GROUP BY 1, 2 ORDER BY 1, 2`,
      parameters,
    );
    return rows;
  }

  /** Entries with numbers above `id` and up to `horizon`, in their order. */
  async after(id: number, horizon: number, filter: Filter, limit: number): Promise<StoredEntry[]> {
    const { text, parameters } = conditionOf(filter);
    const { rows } = await this.#pool.query<StoredEntry>(
      `${selection}${text === "" ? " WHERE" : `${text} AND`} log_entries.id > ${id}
         AND log_entries.id <= ${horizon} ORDER BY log_entries.id LIMIT ${limit}`,
      parameters,
    );
    return rows;
  }

  /**
   * The number up to which every entry is there or never will be: who reads on from there misses
   * nothing, although several transactions store at the same time.
   */
  async horizon(): Promise<number> {
    const { rows } = await this.#pool.query<{ horizon: number }>(
      "SELECT log_horizon()::float8 AS horizon",
    );
    return rows[0]?.horizon ?? 0;
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

  /** Entries of level ERROR and above of each service from `start` on, without those about alerts. */
  async errors(start: string): Promise<Record<string, number>> {
    const { rows } = await this.#pool.query<{ service: string; count: number }>(
      `SELECT service_name AS service, count(*)::float8 AS count FROM log_entries
       WHERE timestamp >= $1 AND level IN ('ERROR', 'CRITICAL') AND level <> 'INFO'
         AND (context IS NULL OR NOT context ? 'alert')
       GROUP BY 1`,
      [start],
    );
    return Object.fromEntries(rows.map(({ service, count }) => [service, count]));
  }

  /** Looks through groups of entries that have the words, newest first, until nothing newer can come. */
  async #search(filter: Filter, limit: number, offset: number): Promise<StoredEntry[]> {
    const { text, parameters } = conditionOf(filter);
    const wanted = limit + offset;
    for (let groups = firstGroups; ; groups *= 8) {
      const { rows } = await this.#pool.query<StoredEntry & Reach>(
        `WITH found AS MATERIALIZED (${groupsOf(filter, groups)}),
           reach AS (SELECT count(*)::integer AS groups, min(last_time) AS oldest FROM found)
         SELECT entry.*, reach.groups, to_char(reach.oldest, 'YYYY-MM-DD"T"HH24:MI:SS.US') AS oldest
         FROM reach LEFT JOIN LATERAL (
           ${selection.replace("FROM log_entries", `FROM found ${entriesOfGroups}`)}${text}
           ${newest} LIMIT ${wanted}
         ) AS entry ON true`,
        parameters,
      );
      const [first] = rows;
      const found = rows.map(({ groups, oldest, ...entry }) => ({ groups, oldest, entry }));
      // Without any entry there is one row that has the reach alone.
      const entries = found
        .map(({ entry }) => entry)
        .filter(({ id }) => (id as number | null) !== null);
      // A group further back may have entries as new as the oldest group's newest.
      const certain = entries.filter(({ timestamp }) => timestamp > (first?.oldest ?? ""));
      if ((first?.groups ?? 0) < groups || certain.length >= wanted) {
        return entries.slice(offset, wanted);
      }
    }
  }
}

/** How far a search has come. */
interface Reach {
  readonly groups: number;
  readonly oldest: string | null;
}

/** Groups of entries that a search looks through at first. */
const firstGroups = 16;

const newest = "ORDER BY log_entries.timestamp DESC, log_entries.id DESC";

/**
 * Entries of a group: its numbers, and its times, which name the partition. OFFSET keeps the planner
 * from looking through all entries and joining the groups to them.
 */
const entriesOfGroups = `CROSS JOIN LATERAL (SELECT * FROM log_entries
  WHERE id BETWEEN found.first_id AND found.last_id
    AND timestamp BETWEEN found.first_time AND found.last_time OFFSET 0) AS log_entries`;

/** Groups of entries with all the words, in the index or still waiting for it. */
function groupsOf({ words = [], start, end, before }: Filter, limit: number): string {
  const query = words.map((word) => (word.endsWith("*") ? `${word.slice(0, -1)}:*` : word));
  const times = [
    start === undefined ? "" : ` AND last_time >= '${start}'`,
    end === undefined ? "" : ` AND first_time <= '${end}'`,
    before === undefined ? "" : ` AND first_time <= '${before.timestamp}'`,
  ];
  // Words are letters and digits, times are our own: nothing here needs quotes.
  return `SELECT * FROM log_words WHERE words @@ '${query.join(" & ")}'::tsquery${times.join("")}
    ORDER BY last_time DESC LIMIT ${limit}`;
}

function conditionOf(filter: Filter): { text: string; parameters: string[] } {
  const conditions: readonly (readonly [string, string | undefined])[] = [
    ["service_name = ", filter.service],
    ["level = ", filter.level],
    ["service_name = ANY ", filter.services === undefined ? undefined : listOf(filter.services)],
    ["trace_id = ANY ", filter.traceId === undefined ? undefined : listOf(formsOf(filter.traceId))],
    ["log_entries.timestamp >= ", filter.start],
    ["log_entries.timestamp <= ", filter.end],
    ...(filter.words ?? []).map((word) => ["message ~* ", patternOf(word)] as const),
  ];
  const used = conditions.filter((condition): condition is [string, string] => {
    return condition[1] !== undefined;
  });
  const text = used.map(([condition], index) =>
    condition.endsWith("ANY ")
      ? `${condition}($${index + 1}::text[])`
      : `${condition}$${index + 1}`,
  );
  const { before } = filter;
  if (before !== undefined) {
    text.push(`(log_entries.timestamp, log_entries.id) < ('${before.timestamp}', ${before.id})`);
  }
  return {
    text: text.length === 0 ? "" : ` WHERE ${text.join(" AND ")}`,
    parameters: used.map(([, value]) => value),
  };
}

/** A list as PostgreSQL's text has it. */
function listOf(values: readonly string[]): string {
  return `{${values.map((value) => JSON.stringify(value)).join(",")}}`;
}

/** The word as a whole; in a group with the word most entries do not have it. */
function patternOf(word: string): string {
  const end = word.endsWith("*") ? "" : "(?![[:alnum:]])";
  return `(?<![[:alnum:]])${word.replace(/\*$/, "")}${end}`;
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
