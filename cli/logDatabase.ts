import type pg from "pg";

import { HiveError } from "./hiveError.ts";
import { databaseClient } from "./serviceDatabase.ts";

/** Levels of the platform's log, from the least to the most severe (contract 3.1). */
export const levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

export type Level = (typeof levels)[number];

/** One line of the platform's log. */
export interface LogEntry {
  readonly id: number;
  /** ISO 8601 in UTC, microseconds. */
  readonly timestamp: string;
  readonly service_name: string;
  readonly level: string;
  readonly message: string;
  readonly context: unknown;
  readonly trace_id: string | null;
  readonly user_id: string | null;
}

export interface Filter {
  readonly service?: string | undefined;
  /** This level and the ones above it; default all. */
  readonly level?: Level | undefined;
  readonly since?: Date | undefined;
  /** Stands in the message, in any case. */
  readonly text?: string | undefined;
  /** Number of a request, as UUID or as a W3C trace context has it. */
  readonly trace?: string | undefined;
}

/** Number of the last line that was looked at; every line up to it is told. */
export type Position = number;

export interface Page {
  /** Oldest first. */
  readonly entries: readonly LogEntry[];
  readonly position: Position;
}

/** Lines that one look for new ones brings at most; the rest comes with the next. */
const most = 10_000;

const columns = `id, to_char(timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp,
  service_name, level, message, context, trace_id, user_id`;

/** The logger's own database, so that its lines can be read while the logger is down. */
export class LogDatabase {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * @param variables the logger's environment
   * @throws HiveError when the database does not answer
   */
  static async open(variables: Readonly<Record<string, string>>): Promise<LogDatabase> {
    const client = databaseClient(variables, "The logger", { application_name: "hive logs" });
    await explained(client.connect());
    return new LogDatabase(client);
  }

  /** Names of the services that have lines. One step of the index for each, however many lines. */
  async services(): Promise<string[]> {
    const { rows } = await explained(
      this.#client.query<{ name: string }>(`
        WITH RECURSIVE names AS (
          (SELECT service_name AS name FROM log_entries ORDER BY service_name LIMIT 1)
          UNION ALL
          SELECT (SELECT service_name FROM log_entries WHERE service_name > names.name
                  ORDER BY service_name LIMIT 1)
          FROM names WHERE names.name IS NOT NULL
        )
        SELECT name FROM names WHERE name IS NOT NULL`),
    );
    return rows.map(({ name }) => name);
  }

  /** The last lines that match, and where to go on from. */
  async tail(filter: Filter, count: number): Promise<Page> {
    return await explained(this.#readTail(filter, count));
  }

  /** Lines that have appeared since, in the order they were stored. */
  async next(filter: Filter, former: Position): Promise<Page> {
    const horizon = await explained(this.#horizon());
    const [condition, values] = conditionOf(filter);
    const entries = await explained(
      this.#read(`${condition} AND id > $6 AND id <= $7 ORDER BY id LIMIT ${String(most)}`, [
        ...values,
        former,
        horizon,
      ]),
    );
    // Cut off by the limit: what is above the last one was not looked at.
    const seen = entries.length < most ? horizon : (entries.at(-1)?.id ?? horizon);
    return { entries, position: Math.max(former, seen) };
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  async #readTail(filter: Filter, count: number): Promise<Page> {
    const [condition, values] = conditionOf(filter);
    const horizon = await this.#horizon();
    // What is stored right now comes with the next look.
    const entries = await this.#read(
      `${condition} AND id <= $6 ORDER BY timestamp DESC, id DESC LIMIT $7`,
      [...values, horizon, count],
    );
    return { entries: entries.reverse(), position: horizon };
  }

  /** The number up to which every line is there; asked before the lines are read. */
  async #horizon(): Promise<number> {
    const { rows } = await this.#client.query<{ horizon: number }>(
      "SELECT log_horizon()::float8 AS horizon",
    );
    return rows[0]?.horizon ?? 0;
  }

  async #read(rest: string, values: readonly unknown[]): Promise<LogEntry[]> {
    const { rows } = await this.#client.query<Omit<LogEntry, "id"> & { readonly id: string }>(
      `SELECT ${columns} FROM log_entries WHERE ${rest}`,
      [...values],
    );
    return rows.map((row) => ({ ...row, id: Number(row.id) }));
  }
}

/** Of $1 to $5. */
function conditionOf({
  service,
  level,
  since,
  text,
  trace,
}: Filter): [condition: string, values: unknown[]] {
  return [
    `($1::text IS NULL OR service_name = $1) AND ($2::text[] IS NULL OR level = ANY ($2))
     AND ($3::timestamp IS NULL OR timestamp >= $3)
     AND ($4::text IS NULL OR message ILIKE $4) AND ($5::text[] IS NULL OR trace_id = ANY ($5))`,
    [
      service ?? null,
      level === undefined ? null : levels.slice(levels.indexOf(level)),
      // The column has UTC without saying so.
      since === undefined ? null : since.toISOString().replace("Z", ""),
      text === undefined ? null : `%${text.replace(/[\\%_]/g, "\\$&")}%`,
      trace === undefined ? null : formsOf(trace),
    ],
  ];
}

/** One number has two forms (runtime/logger/traceId.ts). */
function formsOf(id: string): string[] {
  const plain = id.toLowerCase().replaceAll("-", "");
  const uuid = plain.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return /^[\da-f]{32}$/.test(plain) ? [id, plain, uuid] : [id];
}

/** Turns what PostgreSQL or the network says into one sentence. */
async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new HiveError(sentenceOf((cause as { code?: string }).code));
  }
}

function sentenceOf(code: string | undefined): string {
  // PostgreSQL's codes: errcodes appendix.
  if (code === "42P01" || code === "42883")
    return "The logger has not been ready yet: `npx hive status` tells more.";
  if (code === "28P01") return "The database refuses the logger's password: run `npm run up`.";
  if (code === "57014") return "The logger's database takes too long to answer.";
  return "The logger's database does not answer: `npx hive status` tells what runs.";
}
