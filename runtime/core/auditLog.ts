import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import type { LogClient } from "../kernel/logClient.ts";

/** Something that has to be known afterwards. No secret, no token. */
export interface AuditEntry {
  /** `<noun>.<what was done>`, e.g. `caller.refused`. */
  readonly action: string;
  /** User's id or service's name. */
  readonly actor?: string;
  /** What it was done to. */
  readonly subject?: string;
  readonly address?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface AuditLogOptions {
  readonly pool: Pool;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
  /** Gets a copy of every row; undefined: there is no logger. */
  readonly copy: LogClient | undefined;
}

interface Row {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hash: Buffer;
}

interface Noted {
  readonly entry: AuditEntry;
  readonly at: number;
  count: number;
}

/** Milliseconds that entries of the same words are counted before they are written as one row. */
const interval = 1000;

/** Different entries that wait; a flood of them becomes one row that says how many. */
const most = 1000;

/** Rows copied to the logger at a time. */
const batch = 500;

const refusal = /\.(refused|limited)$/;

/**
 * The audit trail's writer and its copier. What changes a session is written by the statement that
 * changes it (sessionStore.ts); here is what changes nothing: it may come a thousand times a second,
 * so that equal entries of one second are one row with their number.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #timer: NodeJS.Timeout;
  #noted = new Map<string, Noted>();
  #writing: Promise<void> | undefined;
  #copying: Promise<void> | undefined;
  #again = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      void this.flush();
    }, interval).unref();
  }

  /** Never waits and never throws. */
  note(entry: AuditEntry): void {
    const key = JSON.stringify(entry);
    const known = this.#noted.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#noted.size < most) this.#add(key, entry);
    else this.#addOther();
  }

  /** Writes what was noted; what cannot be written now waits. Never rejects. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#noted.size === 0) return;
    const noted = [...this.#noted.values()];
    this.#noted = new Map();
    this.#writing = this.#write(noted).finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  /** Copies new rows to the logger, one process at a time and each row once. Never rejects. */
  async copyNew(): Promise<void> {
    this.#again = true;
    this.#copying ??= this.#copyAll().finally(() => (this.#copying = undefined));
    await this.#copying;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    await this.copyNew();
  }

  #add(key: string, entry: AuditEntry): void {
    this.#noted.set(key, { entry, at: this.#options.clock(), count: 1 });
  }

  #addOther(): void {
    const other = this.#noted.get("other");
    if (other === undefined) this.#add("other", { action: "audit.flooded" });
    else other.count += 1;
  }

  async #write(noted: readonly Noted[]): Promise<void> {
    const rows = noted.map(({ entry, at, count }) => ({
      ...entry,
      at: new Date(at).toISOString(),
      details: { ...entry.details, ...(count === 1 ? {} : { count }) },
    }));
    try {
      await this.#options.pool.query(
        `INSERT INTO audit_log (at, action, actor, subject, address, details)
         SELECT at, action, actor, subject, address, details FROM jsonb_to_recordset($1)
           AS x (at timestamptz, action text, actor text, subject text, address text, details jsonb)`,
        [JSON.stringify(rows)],
      );
    } catch (fault) {
      this.#options.log.warn({ err: fault }, "the audit trail cannot be written now");
      this.#takeBack(noted);
    }
  }

  #takeBack(noted: readonly Noted[]): void {
    for (const { entry, at, count } of noted) {
      const key = JSON.stringify(entry);
      const known = this.#noted.get(key);
      if (known !== undefined) known.count += count;
      else if (this.#noted.size < most) this.#noted.set(key, { entry, at, count });
      else this.#addOther();
    }
  }

  async #copyAll(): Promise<void> {
    if (this.#options.copy === undefined) return;
    try {
      while (this.#again) {
        this.#again = false;
        if ((await this.#copyBatch(this.#options.copy)) === batch) this.#again = true;
      }
    } catch (fault) {
      this.#options.log.warn({ err: fault }, "the audit trail was not copied to the logger");
    }
  }

  /** @returns how many; none when another process copies */
  async #copyBatch(copy: LogClient): Promise<number> {
    const { rows } = await this.#options.pool.query<Row>(
      `WITH head AS (SELECT shipped FROM audit_head FOR UPDATE),
         new AS (SELECT a.* FROM audit_log a, head WHERE a.id > head.shipped ORDER BY a.id LIMIT $1),
         noted AS (UPDATE audit_head SET shipped = greatest(shipped, (SELECT max(id) FROM new))
                   WHERE EXISTS (SELECT FROM new))
       SELECT id, at, action, actor, subject, address, details, hash FROM new ORDER BY id`,
      [batch],
    );
    for (const { id, at, action, actor, subject, address, details, hash } of rows) {
      copy.write({
        level: refusal.test(action) ? "WARNING" : "INFO",
        message: `audit ${id}: ${action}`,
        timestamp: at.toISOString(),
        context: {
          audit: Number(id),
          actor,
          subject,
          address,
          details,
          hash: hash.toString("hex"),
        },
        ...(actor === null ? {} : { user_id: actor }),
      });
    }
    return rows.length;
  }
}
