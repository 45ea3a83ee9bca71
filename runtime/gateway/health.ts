import { statfs } from "node:fs/promises";

import type { Answers } from "./answers.ts";
import type { GatewayConfig } from "./config.ts";
import type { Exchange } from "./exchange.ts";

type Status = "healthy" | "degraded" | "unhealthy";

export interface HealthOptions {
  readonly config: GatewayConfig;
  readonly answers: Answers;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether somebody could sign in: core is heard. */
  readonly isReady: () => boolean;
}

export interface Health {
  /** `/health/live`: this process answers; it says nothing of others. */
  readonly live: (exchange: Exchange) => void;
  /** `/health/ready`: 503 while nobody could be let in. */
  readonly ready: (exchange: Exchange) => void;
  /** `/health`: the schema of the platform (contract 4.6). */
  readonly report: (exchange: Exchange) => Promise<void>;
}

/** Whether who supervises the process asks: by the address it listens on, and as often as it likes. */
export function isProbe(path: string): boolean {
  return path === "/health" || path === "/health/live" || path === "/health/ready";
}

/** Milliseconds for which a report is given again: anybody may ask. */
const keptFor = 2000;
/** Milliseconds for a dependency (contract 4.6). */
const timeout = 3000;

export function createHealth(options: HealthOptions): Health {
  const { config, answers, fetch, now, isReady } = options;
  const realm = `/realms/${encodeURIComponent(config.KEYCLOAK_REALM)}`;
  const dependencies = {
    core: `${config.CORE_URL}/health`,
    keycloak: `${config.KEYCLOAK_URL}${realm}/.well-known/openid-configuration`,
  };
  let kept: { readonly at: number; readonly report: ReturnType<typeof look> } | undefined;

  async function look() {
    const [disk, ...asked] = await Promise.all([
      lookAtDisk(),
      ...Object.entries(dependencies).map(async ([name, url]) => [name, await ask(url)] as const),
    ]);
    const degraded =
      disk.status === "degraded" || asked.some(([, { status }]) => status !== "healthy");
    const status: Status =
      disk.status === "unhealthy" ? "unhealthy" : degraded ? "degraded" : "healthy";
    return {
      service: config.SERVICE_NAME,
      status,
      timestamp: new Date(now()).toISOString().replace("Z", "+00:00"),
      checks: { disk, dependencies: Object.fromEntries(asked) },
    };
  }

  async function ask(url: string) {
    const begin = performance.now();
    try {
      const response = await fetch(url, {
        signal: AbortSignal.timeout(timeout),
        redirect: "error",
      });
      await response.body?.cancel();
      return response.status === 200
        ? { status: "healthy", response_time_ms: rounded(performance.now() - begin) }
        : { status: "unhealthy", http_status: response.status };
    } catch (fault) {
      const late = fault instanceof Error && fault.name === "TimeoutError";
      return { status: "unhealthy", error: late ? "timeout" : "connection_refused" };
    }
  }

  return {
    live(exchange) {
      answers.json(exchange, 200, { service: config.SERVICE_NAME, status: "healthy" });
    },
    ready(exchange) {
      const status: Status = isReady() ? "healthy" : "unhealthy";
      answers.json(exchange, isReady() ? 200 : 503, { service: config.SERVICE_NAME, status });
    },
    async report(exchange) {
      if (kept === undefined || now() - kept.at >= keptFor) kept = { at: now(), report: look() };
      const report = await kept.report;
      // Degraded is told, not answered with 503: one outage must not spread (weakness 64).
      answers.json(exchange, report.status === "unhealthy" ? 503 : 200, report);
    },
  };
}

async function lookAtDisk() {
  const { bsize, blocks, bavail } = await statfs("/");
  const total = bsize * blocks;
  const usage = total === 0 ? 0 : (1 - (bsize * bavail) / total) * 100;
  const status: Status = usage >= 95 ? "unhealthy" : usage >= 85 ? "degraded" : "healthy";
  return {
    status,
    usage_percent: rounded(usage),
    free_gb: rounded((bsize * bavail) / 2 ** 30),
    total_gb: rounded(total / 2 ** 30),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
