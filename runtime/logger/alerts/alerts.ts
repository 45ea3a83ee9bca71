import type { Pool } from "pg";

import type { Log } from "../../kernel/log.ts";
import { takeTurn } from "../turn.ts";
import { type Alert, alertColumns } from "./alert.ts";
import type { Channel } from "./channels.ts";
import type { Fault } from "./rules.ts";

export interface AlertsOptions {
  readonly pool: Pool;
  readonly log: Log;
  /** What is wrong now. */
  readonly find: () => Promise<readonly Fault[]>;
  readonly channels: ReadonlyMap<string, Channel>;
  /** Seconds that a fault lasts before it is an alert, and that it is gone before the alert clears. */
  readonly settings: { readonly raiseAfter: number; readonly clearAfter: number };
  readonly now: () => Date;
}

/** Any number: one process of the logger at a time raises and tells. */
const lock = 2_384_510_983;

/**
 * Raises an alert when a fault lasts and clears it when the fault is gone for good: what comes and
 * goes is one alert, not many. Each is a row, a line of the log, and told to every channel until that
 * has taken it.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  /** Since when a fault is seen, or gone, by rule and subject; milliseconds. */
  readonly #seen = new Map<string, number>();
  readonly #gone = new Map<string, number>();

  constructor(options: AlertsOptions) {
    this.#options = options;
  }

  /** One look at everything. */
  async check(): Promise<void> {
    const { pool, find } = this.#options;
    const faults = await find();
    await takeTurn(pool, lock, async () => {
      await this.#update(faults);
      await this.#tell();
    });
  }

  async #update(faults: readonly Fault[]): Promise<void> {
    const { pool, settings, now } = this.#options;
    const at = now().getTime();
    const { rows: active } = await pool.query<Alert>(
      `SELECT ${alertColumns} FROM alerts WHERE cleared_at IS NULL`,
    );
    const present = new Map(faults.map((fault) => [keyOf(fault), fault]));
    for (const key of [...this.#seen.keys()]) if (!present.has(key)) this.#seen.delete(key);
    for (const [key, fault] of present) {
      this.#gone.delete(key);
      if (!this.#seen.has(key)) this.#seen.set(key, at);
      const lasts = at - (this.#seen.get(key) ?? at) >= settings.raiseAfter * 1000;
      const known = active.some((alert) => keyOf(alert) === key);
      if (lasts && !known) await this.#raise(fault);
    }
    for (const alert of active) {
      const key = keyOf(alert);
      if (present.has(key)) continue;
      if (!this.#gone.has(key)) this.#gone.set(key, at);
      if (at - (this.#gone.get(key) ?? at) >= settings.clearAfter * 1000) await this.#clear(alert);
    }
  }

  async #raise({ rule, subject, message }: Fault): Promise<void> {
    const { pool, log, channels, now } = this.#options;
    await pool.query(
      `INSERT INTO alerts (rule, subject, message, raised_at, pending) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [rule, subject, message, now(), [...channels.keys()]],
    );
    log.error({ alert: rule, subject, state: "raised" }, message);
  }

  async #clear({ id, rule, subject, message }: Alert): Promise<void> {
    const { pool, log, channels, now } = this.#options;
    this.#gone.delete(keyOf({ rule, subject }));
    await pool.query("UPDATE alerts SET cleared_at = $2, pending = $3, told = '{}' WHERE id = $1", [
      id,
      now(),
      [...channels.keys()],
    ]);
    log.info({ alert: rule, subject, state: "cleared" }, `no longer so: ${message}`);
  }

  async #tell(): Promise<void> {
    const { pool, log, channels } = this.#options;
    // `hive alert test` does not know which channels there are.
    await pool.query("UPDATE alerts SET pending = $1 WHERE '*' = ANY (pending)", [
      [...channels.keys()],
    ]);
    const { rows } = await pool.query<Alert & { readonly pending: string[] }>(
      `SELECT ${alertColumns}, pending FROM alerts
       WHERE pending <> '{}' AND NOT '*' = ANY (pending) ORDER BY alerts.id LIMIT 100`,
    );
    for (const { pending, ...alert } of rows) {
      await Promise.all(
        pending.map(async (name) => {
          const fault = await told(channels.get(name), alert);
          if (fault !== undefined) log.warn({ channel: name, fault }, "an alert was not told");
          await pool.query(
            fault === undefined
              ? `UPDATE alerts SET pending = array_remove(pending, $2), told = told || $2::text,
                 faults = faults - $2 WHERE id = $1`
              : "UPDATE alerts SET faults = faults || jsonb_build_object($2::text, $3::text) WHERE id = $1",
            fault === undefined ? [alert.id, name] : [alert.id, name, fault],
          );
        }),
      );
    }
  }
}

/** @returns why not; a channel that is not configured any more needs nothing */
async function told(channel: Channel | undefined, alert: Alert): Promise<string | undefined> {
  try {
    await channel?.(alert);
    return undefined;
  } catch (fault) {
    return fault instanceof Error ? fault.message : "unknown";
  }
}

function keyOf({ rule, subject }: { readonly rule: string; readonly subject: string }): string {
  return `${rule} ${subject}`;
}
