import { performance } from "node:perf_hooks";

import { Agent, request } from "undici";

/** How a service is: ready, there but not ready, or not there. */
export interface ServiceState {
  readonly name: string;
  readonly state: "running" | "not ready" | "not running";
  /** Why it is not running; never an answer's text. */
  readonly message: string;
  /** Milliseconds; null when there was no answer. */
  readonly responseTime: number | null;
}

export interface ProbesOptions {
  /** Addresses that answer 200 when the service is ready. */
  readonly checks: Readonly<Record<string, string>>;
  /** The database, which is asked in its own way; rejects when it does not answer. */
  readonly database: () => Promise<unknown>;
  /** PEM of the authority to trust for https. */
  readonly ca?: string | undefined;
  readonly now: () => Date;
}

/** Milliseconds until a service that does not answer is not running. */
const timeout = 2000;

/** Milliseconds that an answer is good for. */
const lifetime = 5000;

/** Name of the database server among the services. */
const database = "postgres";

/** States of the services; each is asked at most once in 5 seconds, however many want to know. */
export class Probes {
  readonly names: readonly string[];
  readonly #options: ProbesOptions;
  readonly #agent: Agent;
  readonly #states = new Map<string, { at: number; state: Promise<ServiceState> }>();

  constructor(options: ProbesOptions) {
    this.#options = options;
    this.#agent = new Agent({
      connect: { timeout, ...(options.ca !== undefined && { ca: options.ca }) },
    });
    this.names = [...new Set([...Object.keys(options.checks), database])].sort();
  }

  /** PEM of the authority to trust for https; undefined: those that node knows. */
  get ca(): string | undefined {
    return this.#options.ca;
  }

  addressOf(name: string): string | undefined {
    return Object.hasOwn(this.#options.checks, name) ? this.#options.checks[name] : undefined;
  }

  /** All at the same time. */
  async all(): Promise<ServiceState[]> {
    return await Promise.all(this.names.map((name) => this.of(name)));
  }

  async of(name: string): Promise<ServiceState> {
    const at = this.#options.now().getTime();
    const known = this.#states.get(name);
    if (known !== undefined && at - known.at < lifetime) return await known.state;
    const state = this.#ask(name);
    this.#states.set(name, { at, state });
    return await state;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(name: string): Promise<ServiceState> {
    const start = performance.now();
    const address = this.addressOf(name);
    try {
      const status = address === undefined ? await this.#askDatabase() : await this.#get(address);
      const responseTime = Math.round((performance.now() - start) * 10) / 10;
      if (status === 200) return { name, state: "running", message: "", responseTime };
      return { name, state: "not ready", message: `status ${String(status)}`, responseTime };
    } catch (fault) {
      return { name, state: "not running", message: reasonOf(fault), responseTime: null };
    }
  }

  async #askDatabase(): Promise<number> {
    await this.#options.database();
    return 200;
  }

  async #get(address: string): Promise<number> {
    const { statusCode, body } = await request(address, {
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(timeout),
    });
    await body.dump();
    return statusCode;
  }
}

function reasonOf(fault: unknown): string {
  const { name, code } = fault as { name?: string; code?: string };
  if (code === "ECONNREFUSED") return "connection refused";
  if (name === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT") return "timeout";
  return code ?? "no answer";
}
