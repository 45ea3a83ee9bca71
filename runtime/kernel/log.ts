import { pino } from "pino";

export type Log = pino.Logger;

/** One line of the platform's log (contract 3.2). */
export interface Entry {
  readonly level: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly message: string;
  /** ISO 8601 in UTC; default now. */
  readonly timestamp?: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly trace_id?: string;
  readonly user_id?: string;
}

/** Where a secret could stand in what is logged; compiled once. */
const secretPaths = ["authorization", "cookie", "password", "token", "secret", "access_token"];

/**
 * Lines of JSON on standard output, which the supervisor keeps and the logger collects.
 * @param destination for tests
 */
export function createLog(
  service: string,
  level: string,
  destination?: pino.DestinationStream,
): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: secretPaths.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]),
      censor: "[secret]",
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

export interface LogClientOptions {
  /** Address of the logger, without a path. */
  readonly url: string;
  readonly service: string;
  /** A service token for the logger; asked for again after a 401. */
  readonly token: (renew: boolean) => Promise<string>;
  /** Entries kept while the logger is away; the oldest go first. Default 10000. */
  readonly capacity?: number;
  /** Milliseconds until a batch that is not full is sent. Default 1000. */
  readonly interval?: number;
  readonly fetch?: typeof fetch;
}

/** Entries of one request to the logger (contract: at most 10000). */
const batchSize = 500;

/** Milliseconds between attempts while the logger is away. */
const pause = 2000;

/**
 * Sends entries to the logger in batches. `write` never waits and never throws; what had to be
 * dropped is counted, and told in the log as soon as the logger answers again.
 */
export class LogClient {
  /** Entries dropped since the start. */
  dropped = 0;
  #told = 0;
  /** As they are sent: text costs the collector of garbage less than what it is made of. */
  #queue: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<boolean> | undefined;
  #renew = false;
  readonly #options: Required<LogClientOptions>;

  constructor(options: LogClientOptions) {
    this.#options = { capacity: 10_000, interval: 1000, fetch, ...options };
  }

  /** Entries that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  write(entry: Entry): void {
    this.#queue.push(JSON.stringify({ timestamp: timestamp(), ...entry }));
    if (this.#queue.length > this.#options.capacity) {
      this.#queue.shift();
      this.dropped += 1;
    }
    this.#plan(this.#queue.length >= batchSize ? 0 : this.#options.interval);
  }

  /** Sends what waits, with one attempt; the rest is dropped. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    while (this.#queue.length > 0) {
      if (!(await this.#send())) break;
    }
    clearTimeout(this.#timer);
    this.dropped += this.#queue.length;
    this.#queue = [];
  }

  #plan(delay: number): void {
    if (this.#sending !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send();
      void this.#sending.then((sent) => {
        this.#sending = undefined;
        if (this.#queue.length > 0) this.#plan(sent ? 0 : pause);
      });
    }, delay);
    this.#timer.unref();
  }

  /** @returns whether the logger took the batch */
  async #send(): Promise<boolean> {
    const batch = this.#queue.splice(0, batchSize);
    const dropped = this.dropped;
    const message = `${String(dropped - this.#told)} log lines were dropped`;
    const told = dropped > this.#told ? [JSON.stringify({ level: "WARNING", message })] : [];
    try {
      const { url, service, token } = this.#options;
      const response = await this.#options.fetch(`${url}/api/logs/ingest`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${await token(this.#renew)}`,
        },
        body: `{"service_name":${JSON.stringify(service)},"logs":[${[...told, ...batch].join()}]}`,
        signal: AbortSignal.timeout(5000),
      });
      await response.body?.cancel();
      this.#renew = response.status === 401;
      // The logger will not take this very batch another time either.
      if (response.status === 400 || response.status === 413) this.dropped += batch.length;
      else if (response.status !== 200) throw new Error(`status ${String(response.status)}`);
      this.#told = dropped;
      return true;
    } catch {
      const room = Math.max(0, this.#options.capacity - this.#queue.length);
      const kept = batch.slice(Math.max(0, batch.length - room));
      this.dropped += batch.length - kept.length;
      this.#queue = [...kept, ...this.#queue];
      return false;
    }
  }
}

let lastMillisecond = 0;
let lastTimestamp = "";

/** Of the present; many lines are written within one millisecond. */
function timestamp(): string {
  const now = Date.now();
  if (now !== lastMillisecond) {
    lastMillisecond = now;
    lastTimestamp = new Date(now).toISOString();
  }
  return lastTimestamp;
}
