import { levelOf } from "./level.ts";
import type { Entry } from "./log.ts";
import { SpillFile } from "./spill.ts";

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
  /** Where entries wait that memory has no room for, or that are left at the end; default nowhere. */
  readonly spill?: { readonly path: string; readonly bytes: number };
  readonly fetch?: typeof fetch;
}

/** Entries of one request to the logger (contract: at most 10000). */
const batchSize = 500;

/** Milliseconds between attempts while the logger is away. */
const pause = 2000;

/**
 * Sends entries to the logger in batches, in their order. `write` never waits and never throws; while
 * the logger is away entries wait in memory and then in a file, both bounded. What had to be dropped is
 * counted, and told in the log as soon as the logger answers again.
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
  readonly #options: Required<Omit<LogClientOptions, "spill">>;
  readonly #spill: SpillFile | undefined;
  #spilling: Promise<void> = Promise.resolve();
  #isSpilling = false;
  /** A batch from memory is under way. */
  #inFlight = false;

  constructor({ spill, ...options }: LogClientOptions) {
    this.#options = { capacity: 10_000, interval: 1000, fetch, ...options };
    if (spill === undefined) return;
    this.#spill = new SpillFile(spill.path, spill.bytes);
    // What an earlier process could not send.
    this.#spilling = this.#spill.open().catch(() => undefined);
    void this.#spilling.then(() => {
      if (this.#spill?.isEmpty === false) this.#plan(0);
    });
  }

  /** A destination for pino: `pino(options, client.stream())`. */
  stream(): { write(line: string): void } {
    return {
      write: (line) => {
        const entry = entryOf(line);
        if (entry !== undefined) this.write(entry);
      },
    };
  }

  /** Entries that wait in memory. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Entries that may wait in memory: twice as many while they wait for the disk. */
  get #most(): number {
    return this.#options.capacity * (this.#spill === undefined ? 1 : 2);
  }

  write(entry: Entry): void {
    this.#queue.push(JSON.stringify({ timestamp: timestamp(), ...entry }));
    if (this.#queue.length > this.#options.capacity) this.#makeRoom();
    this.#plan(this.#queue.length >= batchSize ? 0 : this.#options.interval);
  }

  /** Sends what waits, with one attempt; the rest goes to the file, or is dropped without one. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
    await this.#spilling;
    while (this.#queue.length > 0 || this.#spill?.isEmpty === false) {
      if (!(await this.#send())) break;
    }
    clearTimeout(this.#timer);
    await this.#spilling;
    await this.#spillQueue(0);
    this.dropped += this.#queue.length;
    this.#queue = [];
    await this.#spill?.close().catch(() => undefined);
  }

  /** Half of the queue goes to the file; without one, or when it is slow, the oldest entry goes. */
  #makeRoom(): void {
    // What is under way from memory may come back, and is older than the rest of the queue.
    if (this.#spill !== undefined && !this.#isSpilling && !this.#inFlight) {
      this.#isSpilling = true;
      this.#spilling = this.#spilling
        .then(async () => {
          const { capacity } = this.#options;
          do await this.#spillQueue(capacity / 2);
          while (this.#queue.length > capacity);
        })
        .finally(() => (this.#isSpilling = false));
    }
    if (this.#queue.length <= this.#most) return;
    this.#queue.shift();
    this.dropped += 1;
  }

  /** Leaves the newest in memory. */
  async #spillQueue(left: number): Promise<void> {
    if (this.#spill === undefined || this.#queue.length <= left) return;
    const moved = this.#queue.splice(0, this.#queue.length - left);
    const kept = await this.#spill.append(moved).catch(() => 0);
    this.dropped += moved.length - kept;
  }

  #plan(delay: number): void {
    if (this.#sending !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send();
      void this.#sending.then((sent) => {
        this.#sending = undefined;
        const waits = this.#queue.length > 0 || this.#spill?.isEmpty === false;
        if (waits) this.#plan(sent ? 0 : pause);
      });
    }, delay);
    this.#timer.unref();
  }

  /** @returns whether the logger took the batch */
  async #send(): Promise<boolean> {
    await this.#spilling;
    // What is in the file is older than what is in memory.
    const spilled = this.#spill?.isEmpty === false ? await this.#readSpill() : undefined;
    const batch = spilled?.entries ?? this.#queue.splice(0, batchSize);
    this.#inFlight = spilled === undefined;
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
      if (spilled !== undefined) {
        // In turn with what is written to the file meanwhile.
        this.#spilling = this.#spilling.then(() => this.#spill?.done(spilled.end));
        await this.#spilling;
      }
      return true;
    } catch {
      if (spilled !== undefined) return false;
      const room = Math.max(0, this.#most - this.#queue.length);
      const kept = batch.slice(Math.max(0, batch.length - room));
      this.dropped += batch.length - kept.length;
      this.#queue = [...kept, ...this.#queue];
      return false;
    } finally {
      this.#inFlight = false;
      if (this.#queue.length > this.#options.capacity) this.#makeRoom();
    }
  }

  /** Lines as they were written; one that a crash cut short is no JSON. */
  async #readSpill(): Promise<{ entries: string[]; end: number } | undefined> {
    const found = await this.#spill?.read(batchSize).catch(() => undefined);
    if (found === undefined) return undefined;
    return { entries: found.lines.filter((line) => parse(line) !== undefined), end: found.end };
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

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Members that every line of a process has. */
const own = new Set(["pid", "hostname", "service"]);

/** A line of pino's as an entry: its own names for message, time and ids, everything else as context. */
function entryOf(line: string): Entry | undefined {
  const record = parse(line) as Record<string, unknown> | undefined;
  if (typeof record !== "object") return undefined;
  const { level, time, msg, trace_id, user_id, ...rest } = record;
  const others = Object.entries(rest).filter(([name]) => !own.has(name));
  const date = new Date(typeof time === "number" || typeof time === "string" ? time : Date.now());
  return {
    level: levelOf(level) ?? "INFO",
    message: typeof msg === "string" ? msg : "",
    timestamp: Number.isNaN(date.getTime()) ? new Date().toISOString() : date.toISOString(),
    context: Object.fromEntries(others),
    ...(typeof trace_id === "string" && { trace_id }),
    ...(typeof user_id === "string" && { user_id }),
  };
}
