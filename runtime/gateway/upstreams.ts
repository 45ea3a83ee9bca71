import type { Readable } from "node:stream";

import { Pool } from "undici";

import { ServiceError } from "../kernel/serviceError.ts";
import { Circuit } from "./circuit.ts";
import type { ResponseHandler } from "./http/connection.ts";
import { ConnectionPool } from "./http/connectionPool.ts";

export interface UpstreamsOptions {
  /** Connections to one backend; streams take one each. Default 256. */
  readonly connections?: number;
  /** Requests that wait for a connection to one backend; more are refused. Default 256. */
  readonly queue?: number;
  /** Milliseconds. Default 5000. */
  readonly connectTimeout?: number;
  /** Milliseconds in place of what a request asks for, until the head of its answer is there. */
  readonly headersTimeout?: number;
  /** Told when a backend is not asked any more, and when it is again. */
  readonly onCircuit?: (origin: string, isOpen: boolean) => void;
}

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Readable | null;
  /** Milliseconds until the head of the answer is there. */
  readonly timeout: number;
}

export interface Backend {
  readonly url: string;
  /** Path that answers when it is alive. */
  readonly health: string;
}

interface Upstream {
  /** For requests with a body. */
  readonly pool: Pool;
  /** For all others. */
  readonly plain: ConnectionPool;
  readonly circuit: Circuit;
}

/** Milliseconds for a backend that was down to say anything. */
const probeTimeout = 2000;

/** Kept connections to the backends, one pool each, and whether they are there. */
export class Upstreams {
  #all = new Map<string, Upstream>();
  #health = new Map<string, string>();
  readonly #options: UpstreamsOptions;

  constructor(options: UpstreamsOptions = {}) {
    this.#options = options;
  }

  /** @throws ServiceError 503 when the backend is down, or has more to do than it can */
  admit(origin: string): void {
    const { pool, plain, circuit } = this.#find(origin);
    if (circuit.isOpen) {
      throw new ServiceError(503, "ERR_UPSTREAM_DOWN", "Service temporarily unavailable", {
        headers: { "retry-after": "5" },
      });
    }
    if (plain.queued + pool.stats.queued >= (this.#options.queue ?? 256)) {
      throw new ServiceError(503, "ERR_UPSTREAM_BUSY", "The service is busy. Try again shortly.", {
        headers: { "retry-after": "1" },
      });
    }
  }

  dispatch(origin: string, request: UpstreamRequest, handler: ResponseHandler): void {
    const { method, path, headers, body } = request;
    const timeout = this.#options.headersTimeout ?? request.timeout;
    const { pool, plain } = this.#find(origin);
    if (body === null) {
      handler.onRequestStart(plain.send({ method, path, headers, timeout }, handler));
    } else {
      pool.dispatch({ path, method, headers, body, headersTimeout: timeout }, handler);
    }
  }

  /** @param answered whether the backend said anything */
  report(origin: string, answered: boolean): void {
    const circuit = this.#all.get(origin)?.circuit;
    if (answered) circuit?.succeed();
    else circuit?.fail();
  }

  /** Origins that are not asked at the moment. */
  get down(): readonly string[] {
    return [...this.#all].filter(([, { circuit }]) => circuit.isOpen).map(([origin]) => origin);
  }

  /** Lets go of backends that are not among these any more; requests under way finish. */
  keep(backends: readonly Backend[]): void {
    this.#health = new Map(backends.map(({ url, health }) => [url, health]));
    for (const [origin, { pool, plain, circuit }] of this.#all) {
      if (this.#health.has(origin)) continue;
      this.#all.delete(origin);
      circuit.close();
      plain.close();
      void pool.close();
    }
  }

  async close(): Promise<void> {
    const all = [...this.#all.values()];
    this.#all.clear();
    for (const { circuit, plain } of all) {
      circuit.close();
      plain.destroy();
    }
    await Promise.all(all.map(({ pool }) => pool.destroy()));
  }

  #find(origin: string): Upstream {
    const known = this.#all.get(origin);
    if (known !== undefined) return known;
    const { connections = 256, connectTimeout = 5000, onCircuit } = this.#options;
    const pool = new Pool(origin, {
      connections,
      connect: { timeout: connectTimeout },
      // The proxy has a clock of its own: an event stream may be silent.
      bodyTimeout: 0,
      // Below gunicorn's 2 s, so that a connection is not used while the other side closes it.
      keepAliveTimeout: 1500,
    });
    const plain = new ConnectionPool({
      origin,
      most: connections,
      connectTimeout,
      keepAlive: 1500,
    });
    const circuit = new Circuit({
      probe: () => this.#answers(origin, pool),
      onChange: (isOpen) => onCircuit?.(origin, isOpen),
    });
    const made = { pool, plain, circuit };
    this.#all.set(origin, made);
    return made;
  }

  async #answers(origin: string, pool: Pool): Promise<boolean> {
    try {
      const { body } = await pool.request({
        path: this.#health.get(origin) ?? "/",
        method: "GET",
        headersTimeout: probeTimeout,
        signal: AbortSignal.timeout(probeTimeout),
      });
      await body.dump();
      return true;
    } catch {
      return false;
    }
  }
}
