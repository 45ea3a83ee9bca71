import { DatabaseError, type Pool, type PoolClient, type QueryResult } from "pg";

import { ServiceError } from "../kernel/serviceError.ts";
import { borrow } from "./connection.ts";
import { copyRows, copyText } from "./copy.ts";
import type { LogEntry } from "./entry.ts";
import type { Partitions } from "./partitions.ts";
import { wordRows } from "./words.ts";

/** Entries of one transaction; a single request may have more. */
const transactionSize = 4000;

/**
 * Transactions at the same time: while one waits for the disk, the next is on its way. More share the
 * processor with nothing gained, and take connections from those who read.
 */
const writers = 3;

/** Characters of messages and contexts that wait in memory; more are refused until some are stored. */
const capacity = 16 * 1024 * 1024;

const columns =
  "id, timestamp, service_name, level, message, context, trace_id, user_id, hostname, process_id";

interface Waiting {
  readonly entries: readonly LogEntry[];
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/** Stores batches that wait in one transaction: one wait for the disk for all of them. */
export class Writer {
  readonly #pool: Pool;
  readonly #partitions: Partitions;
  #queue: Waiting[] = [];
  #size = 0;
  #writing = 0;

  constructor(pool: Pool, partitions: Partitions) {
    this.#pool = pool;
    this.#partitions = partitions;
  }

  /**
   * Resolves when the entries are committed, all or none.
   * @throws ServiceError 503 when too many wait
   */
  async write(entries: readonly LogEntry[]): Promise<void> {
    const size = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    // One batch alone is taken whatever its size: its request was bounded.
    if (this.#size > 0 && this.#size + size > capacity) throw tooMuch();
    this.#size += size;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#queue.push({ entries, resolve, reject });
        if (this.#writing < writers) void this.#run();
      });
    } finally {
      this.#size -= size;
    }
  }

  async #run(): Promise<void> {
    this.#writing += 1;
    while (this.#queue.length > 0) await this.#store(this.#next());
    this.#writing -= 1;
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
      await commitEntries(this.#pool, entries);
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
 * Numbers and stores entries within a transaction of the caller's. What reads on from a number misses
 * nothing as long as it stays at or below `log_horizon()` (migration 003).
 * @param client within a transaction; the partitions are there
 */
export async function writeEntries(
  client: PoolClient,
  entries: readonly LogEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const first = firstOf(await client.query(numbers(entries.length)));
  await copyRows(client, rowsOf(entries, first));
}

/** A transaction in two messages: every message costs a turn of both processes. */
async function commitEntries(pool: Pool, entries: readonly LogEntry[]): Promise<void> {
  await borrow(pool, async (client, drop) => {
    try {
      const results = await client.query(`BEGIN; ${numbers(entries.length)}`);
      const first = firstOf((results as unknown as readonly QueryResult[])[1]);
      await copyRows(client, rowsOf(entries, first), "COMMIT");
    } catch (fault) {
      drop();
      throw fault;
    }
  });
}

function numbers(count: number): string {
  return `SELECT log_numbers(${count})::float8 AS first`;
}

function firstOf(result: QueryResult | undefined): number {
  const row = result?.rows[0] as { readonly first: number } | undefined;
  if (row === undefined) throw new Error("The database gave no numbers");
  return row.first;
}

function rowsOf(entries: readonly LogEntry[], first: number): Readonly<Record<string, string>> {
  return {
    [`log_entries (${columns})`]: entryRows(entries, first),
    log_words: wordRows(entries, first),
  };
}

/** Roughly what an entry takes. */
function sizeOf({ message, context }: LogEntry): number {
  return message.length + (context === null ? 100 : 100 + 40 * Object.keys(context).length);
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
