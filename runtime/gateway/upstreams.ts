import { Pool, type Dispatcher } from "undici";

import { ServiceError } from "../kernel/serviceError.ts";

export interface UpstreamsOptions {
  /** Connections to one backend; streams take one each. Default 256. */
  readonly connections?: number;
  /** Requests that wait for a connection to one backend; more are refused. Default 256. */
  readonly queue?: number;
  /** Milliseconds. Default 5000. */
  readonly connectTimeout?: number;
  /** Milliseconds without progress until the head of the answer is there. Default 30000. */
  readonly headersTimeout?: number;
}

export type UpstreamRequest = Pick<
  Dispatcher.RequestOptions,
  "path" | "method" | "headers" | "body" | "signal"
>;

/** Kept connections to the backends, one pool each. */
export class Upstreams {
  #pools = new Map<string, Pool>();
  readonly #options: Required<UpstreamsOptions>;

  constructor(options: UpstreamsOptions = {}) {
    this.#options = {
      connections: 256,
      queue: 256,
      connectTimeout: 5000,
      headersTimeout: 30_000,
      ...options,
    };
  }

  /** @throws ServiceError 503 ERR_UPSTREAM_BUSY; what undici throws */
  request(origin: string, request: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    const { connections, queue, connectTimeout, headersTimeout } = this.#options;
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections,
        connect: { timeout: connectTimeout },
        headersTimeout,
        // The proxy has a clock of its own: an event stream may be silent.
        bodyTimeout: 0,
        // Below gunicorn's 2 s, so that a connection is not used while the other side closes it.
        keepAliveTimeout: 1500,
      });
      this.#pools.set(origin, pool);
    }
    if (pool.stats.queued >= queue) {
      throw new ServiceError(503, "ERR_UPSTREAM_BUSY", "The service is busy. Try again shortly.", {
        headers: { "retry-after": "1" },
      });
    }
    return pool.request(request);
  }

  /** Lets go of backends that are not among these any more; requests under way finish. */
  keep(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.#pools) {
      if (origins.has(origin)) continue;
      this.#pools.delete(origin);
      void pool.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    this.#pools.clear();
  }
}
