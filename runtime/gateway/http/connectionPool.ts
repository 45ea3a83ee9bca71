import {
  Connection,
  type Controller,
  type PlainRequest,
  type ResponseHandler,
} from "./connection.ts";

export interface ConnectionPoolOptions {
  /** http, without a path. */
  readonly origin: string;
  /** Connections at a time. */
  readonly most: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds a connection is kept for the next request. */
  readonly keepAlive: number;
}

/** A request that waits for a connection, and then has one. */
class Waiting implements Controller {
  connection: Connection | undefined;
  readonly request: PlainRequest;
  readonly handler: ResponseHandler;
  readonly #leave: (waiting: Waiting) => void;

  constructor(request: PlainRequest, handler: ResponseHandler, leave: (waiting: Waiting) => void) {
    this.request = request;
    this.handler = handler;
    this.#leave = leave;
  }

  begin(connection: Connection): void {
    this.connection = connection;
    connection.send(this.request, this.handler);
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  abort(reason: Error): void {
    if (this.connection === undefined) this.#leave(this);
    else this.connection.abort(reason);
  }
}

/** Milliseconds between two looks at all connections. */
const interval = 250;

/**
 * Kept connections to one backend, for requests without a body: nearly all. Reads into one buffer
 * and parses just what an answer is; that costs a third of what a general client does.
 */
export class ConnectionPool {
  #all = new Set<Connection>();
  #free: Connection[] = [];
  #waiting: Waiting[] = [];
  #isClosed = false;
  readonly #timer: NodeJS.Timeout;
  readonly #options: ConnectionPoolOptions;
  readonly #host: string;
  readonly #port: number;

  constructor(options: ConnectionPoolOptions) {
    const { hostname, port } = new URL(options.origin);
    this.#options = options;
    this.#host = hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(port === "" ? 80 : port);
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#all) connection.check(now, options.keepAlive);
    }, interval);
    this.#timer.unref();
  }

  /** Requests that wait for a connection. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** @returns of this request; not to be used after it has ended */
  send(request: PlainRequest, handler: ResponseHandler): Controller {
    const free = this.#free.pop();
    if (free !== undefined) {
      free.send(request, handler);
      return free;
    }
    if (this.#all.size < this.#options.most) {
      const made = this.#open();
      made.send(request, handler);
      return made;
    }
    const waiting = new Waiting(request, handler, (left) => {
      this.#waiting = this.#waiting.filter((each) => each !== left);
    });
    this.#waiting.push(waiting);
    return waiting;
  }

  /** Requests under way finish; no new ones come. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#free.splice(0)) connection.close();
  }

  destroy(): void {
    this.close();
    clearInterval(this.#timer);
    for (const connection of this.#all) connection.close();
  }

  #open(): Connection {
    const connection = new Connection({
      host: this.#host,
      port: this.#port,
      connectTimeout: this.#options.connectTimeout,
      onFree: (freed) => {
        this.#next(freed);
      },
      onClose: (closed) => {
        this.#all.delete(closed);
        const at = this.#free.indexOf(closed);
        if (at !== -1) this.#free.splice(at, 1);
        this.#refill();
        if (this.#isClosed && this.#all.size === 0) clearInterval(this.#timer);
      },
    });
    this.#all.add(connection);
    return connection;
  }

  #next(connection: Connection): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting.begin(connection);
    else if (this.#isClosed) connection.close();
    else this.#free.push(connection);
  }

  /** A connection has gone while requests wait. */
  #refill(): void {
    if (this.#waiting.length === 0 || this.#all.size >= this.#options.most) return;
    this.#waiting.shift()?.begin(this.#open());
  }
}
