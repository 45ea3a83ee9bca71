import { statfs } from "node:fs/promises";

import type { Pool } from "pg";

import type { Keycloak } from "./keycloak.ts";

type Status = "healthy" | "degraded" | "unhealthy";

/** Contract 4.6. */
export interface HealthReport {
  readonly service: "core";
  readonly status: Status;
  /** ISO 8601 with +00:00. */
  readonly timestamp: string;
  readonly checks: {
    readonly database: Readonly<Record<string, unknown>>;
    readonly disk: Readonly<Record<string, unknown>>;
    readonly dependencies: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

export interface HealthOptions {
  readonly pool: Pool;
  readonly keycloak: Keycloak;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** Milliseconds that an answer about Keycloak is good for: many ask, nobody needs to wait. */
const goodFor = 5000;

const gigabyte = 1_073_741_824;

/**
 * How core is. Only without its database it is unhealthy: what merely degrades it must not make
 * those who ask think it is away (contract, weakness 64).
 */
export class Health {
  readonly #options: HealthOptions;
  #keycloak: Promise<Readonly<Record<string, unknown>>> | undefined;
  #askedAt = 0;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  async report(): Promise<HealthReport> {
    const [database, disk, keycloak] = await Promise.all([
      this.#checkDatabase(),
      checkDisk(),
      this.#checkKeycloak(),
    ]);
    const whole = disk["status"] === "healthy" && keycloak["status"] === "healthy";
    return {
      service: "core",
      status: database["status"] !== "healthy" ? "unhealthy" : whole ? "healthy" : "degraded",
      timestamp: new Date(this.#options.clock()).toISOString().replace("Z", "+00:00"),
      checks: { database, disk, dependencies: { keycloak } },
    };
  }

  async #checkDatabase(): Promise<Readonly<Record<string, unknown>>> {
    const started = performance.now();
    try {
      await this.#options.pool.query("SELECT 1");
      return { status: "healthy", latency_ms: since(started), type: "postgresql" };
    } catch {
      return { status: "unhealthy", error: "does not answer", type: "postgresql" };
    }
  }

  #checkKeycloak(): Promise<Readonly<Record<string, unknown>>> {
    const now = this.#options.clock();
    if (this.#keycloak === undefined || now - this.#askedAt >= goodFor) {
      this.#askedAt = now;
      this.#keycloak = this.#askKeycloak();
    }
    return this.#keycloak;
  }

  async #askKeycloak(): Promise<Readonly<Record<string, unknown>>> {
    const started = performance.now();
    try {
      const http_status = await this.#options.keycloak.ping();
      if (http_status !== 200) return { status: "unhealthy", http_status };
      return { status: "healthy", response_time_ms: since(started) };
    } catch {
      return { status: "unhealthy", error: "does not answer" };
    }
  }
}

async function checkDisk(): Promise<Readonly<Record<string, unknown>>> {
  const { blocks, bavail, bsize } = await statfs(".");
  const used = blocks === 0 ? 0 : (1 - bavail / blocks) * 100;
  return {
    status: used >= 95 ? "unhealthy" : used >= 85 ? "degraded" : "healthy",
    usage_percent: round(used),
    free_gb: round((bavail * bsize) / gigabyte),
    total_gb: round((blocks * bsize) / gigabyte),
  };
}

function since(started: number): number {
  return round(performance.now() - started);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
