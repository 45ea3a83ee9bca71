import { DatabaseError, type Pool, type PoolClient, type QueryResult } from "pg";

import { ServiceError } from "../kernel/serviceError.ts";
import { copyRows, copyText } from "./copy.ts";
import type { LogEntry } from "./entry.ts";
import type { Partitions } from "./partitions.ts";
import { transact } from "./transaction.ts";
import { wordRows } from "./words.ts";

/** Entries of one transaction; a single request may have more. */
const transactionSize = 4000;

/** Entries that wait in memory; more are refused until some are stored. */
const capacity = 40_000;

/** Any number, the same for all processes of the logger. */
const lock = 2_384_510_978;

const columns =
  "id, timestamp, service_name, level, message, context, trace_id, user_id, hostname, process_id";

interface Waiting {
  readonly entries: readonly LogEntry[];
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/** Stores batches of several clients in one transaction: one wait for the disk for all of them. */
export class Writer {
  readonly #pool: Pool;
  readonly #partitions: Partitions;
  #queue: Waiting[] = [];
  #size = 0;
  #writing = false;

  constructor(pool: Pool, partitions: Partitions) {
    this.#pool = pool;
    this.#partitions = partitions;
  }

  /**
   * Resolves when the entries are committed, all or none.
   * @throws ServiceError 503 when too many wait
   */
  async write(entries: readonly LogEntry[]): Promise<void> {
    if (this.#size + entries.length > capacity) throw tooMuch();
    this.#size += entries.length;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#queue.push({ entries, resolve, reject });
        if (!this.#writing) void this.#run();
      });
    } finally {
      this.#size -= entries.length;
    }
  }

  async #run(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) await this.#store(this.#next());
    this.#writing = false;
  }

  #next(): readonly Waiting[] {
    let size = 0;
    const more = this.#queue.findIndex(({ entries }, index) => {
      size += entries.length;
      return index > 0 && size > transactionSize;
    });
    return this.#queue.splice(0, more === -1 ? this.#queue.length : more);
  }

  async #store(group: readonly Waiting[]): Promise<void> {
    const entries = group.flatMap((one) => one.entries);
    try {
      await this.#partitions.cover(entries);
      await transact(this.#pool, (client) => writeEntries(client, entries));
      for (const { resolve } of group) resolve();
    } catch (fault) {
      // What the database refuses in one batch must not cost the others theirs.
      if (group.length > 1 && fault instanceof DatabaseError && /^2/.test(fault.code ?? "")) {
        for (const one of group) await this.#store([one]);
      } else {
        for (const { reject } of group) reject(fault);
      }
    }
  }
}

/**
 * Numbers and stores entries; whoever does holds the lock until its transaction ends, so that
 * numbers appear in their order: what reads on from a number misses nothing.
 * @param client within a transaction; the partitions are there
 */
export async function writeEntries(
  client: PoolClient,
  entries: readonly LogEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  // Two statements in one message, as every message costs a turn of both processes.
  const results = (await client.query(
    `SELECT pg_advisory_xact_lock(${lock});
     SELECT setval(name, nextval(name) + ${entries.length - 1})::float8 AS last
     FROM pg_get_serial_sequence('log_entries', 'id') AS name`,
  )) as unknown as readonly QueryResult<{ last: number }>[];
  const last = results[1]?.rows[0]?.last;
  if (last === undefined) throw new Error("The database gave no numbers");
  const first = last - entries.length + 1;
  await copyRows(client, {
    [`log_entries (${columns})`]: entryRows(entries, first),
    log_words: wordRows(entries, first),
  });
}

function entryRows(entries: readonly LogEntry[], first: number): string {
  let id = first;
  let rows = "";
  for (const entry of entries) {
    const context = entry.context === null ? null : JSON.stringify(entry.context);
    rows += `${id}\t${entry.timestamp}\t${entry.service_name}\t${entry.level}\t${copyText(entry.message)}\t${copyText(context)}\t${copyText(entry.trace_id)}\t${copyText(entry.user_id)}\t${copyText(entry.hostname)}\t${entry.process_id ?? "\\N"}\n`;
    id += 1;
  }
  return rows;
}

function tooMuch(): ServiceError {
  const message = "Too many log entries wait to be stored";
  return new ServiceError(503, "ERR_STORE_BUSY", message, {
    headers: { "retry-after": "1" },
    members: { error: message },
  });
}
