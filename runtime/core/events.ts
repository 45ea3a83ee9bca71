import type { ServerResponse } from "node:http";

import type { Pool } from "pg";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Log } from "../kernel/log.ts";

export interface EventsOptions {
  readonly pool: Pool;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
}

/** Where a stream begins. */
export interface Start {
  /** Number of the last event that the listener has. */
  readonly after: number;
  /** Events may be missing between what the listener has and `after`. */
  readonly reset: boolean;
}

interface Stream {
  readonly response: ServerResponse;
  after: number;
  pumping: boolean;
  again: boolean;
}

/** Milliseconds between comment lines, by which both ends notice that the other is gone. */
const heartbeat = 15_000;

/** Milliseconds until events are read again when the database did not answer. */
const pause = 1000;

/** Milliseconds that events are kept. */
const keptFor = 86_400_000;

/** Listeners at a time; there is one gateway. */
const mostStreams = 32;

/** Bytes a listener may be behind; it is cut off and comes back with what it has. */
const mostBehind = 1_048_576;

const batch = 500;

/**
 * The stream of what happened to sessions, as server-sent events (HTML Living Standard, 9.2). It is
 * kept in the database: every core on it tells the same, and who was away gets what was missed.
 */
export class Events {
  readonly #options: EventsOptions;
  readonly #streams = new Set<Stream>();
  readonly #timer: NodeJS.Timeout;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      for (const { response } of this.#streams) response.write(":\n\n");
      this.wake();
    }, heartbeat).unref();
  }

  /**
   * @param after number of the last event the listener got; undefined: it has none yet
   * @throws ServiceError 503 when there are too many listeners
   */
  async startAt(after: number | undefined): Promise<Start> {
    if (this.#streams.size >= mostStreams) {
      throw new ServiceError(503, "ERR_STREAMS", "Too many listeners.", {
        headers: { "retry-after": "5" },
      });
    }
    const { rows } = await this.#options.pool.query<{ oldest: string; newest: string }>(
      `SELECT id AS oldest, greatest(id, (SELECT max(id) FROM events)) AS newest FROM event_horizon`,
    );
    const { oldest, newest } = { oldest: Number(rows[0]?.oldest), newest: Number(rows[0]?.newest) };
    if (after === undefined) return { after: newest, reset: false };
    // A number that was never given is from another database.
    const reset = after < oldest || after > newest;
    return { after: reset ? newest : after, reset };
  }

  /** Sends `hello`, then every event after the start until the listener goes. */
  follow(response: ServerResponse, { after, reset }: Start): void {
    const stream = { response, after, pumping: false, again: false };
    this.#streams.add(stream);
    response.on("close", () => this.#streams.delete(stream));
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    });
    response.write(`retry: 1000\n${format("hello", after, {})}`);
    if (reset) response.write(format("reset", after, {}));
    void this.#pump(stream);
  }

  /** To be called when there may be something new. */
  wake(): void {
    for (const stream of this.#streams) void this.#pump(stream);
  }

  /** Ends the streams; listeners come back, to a successor if there is one. */
  endStreams(): void {
    for (const { response } of this.#streams) response.end();
  }

  async prune(): Promise<void> {
    const { pool, clock } = this.#options;
    await pool.query(
      `WITH gone AS (DELETE FROM events WHERE created_at <= $1 RETURNING id)
       UPDATE event_horizon SET id = greatest(id, (SELECT max(id) FROM gone))`,
      [new Date(clock() - keptFor)],
    );
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.endStreams();
  }

  async #pump(stream: Stream): Promise<void> {
    stream.again = true;
    if (stream.pumping) return;
    stream.pumping = true;
    try {
      while (stream.again) {
        stream.again = false;
        await this.#send(stream);
      }
    } catch (fault) {
      this.#options.log.warn({ err: fault }, "events cannot be read");
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.wake();
      }, pause).unref();
    } finally {
      stream.pumping = false;
    }
  }

  async #send(stream: Stream): Promise<void> {
    const { rows } = await this.#options.pool.query<{ id: string; type: string; session: string }>(
      "SELECT id, type, session FROM events WHERE id > $1 ORDER BY id LIMIT $2",
      [stream.after, batch],
    );
    for (const { id, type, session } of rows) {
      stream.after = Number(id);
      stream.response.write(format(type, stream.after, { session }));
    }
    if (rows.length === batch) stream.again = true;
    if (stream.response.writableLength > mostBehind) stream.response.destroy();
  }
}

function format(type: string, id: number, data: Readonly<Record<string, unknown>>): string {
  return `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
