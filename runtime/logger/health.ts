import { statfs } from "node:fs/promises";
import { performance } from "node:perf_hooks";

import type { FastifyInstance } from "fastify";

import type { Probes } from "./probes.ts";

export interface HealthOptions {
  readonly name: string;
  readonly probes: Probes;
  /** Rejects when the database does not answer. */
  readonly database: () => Promise<unknown>;
  /** A folder on the disk that fills up. */
  readonly folder: string;
  readonly now: () => Date;
}

const core = "core";
const gigabyte = 1_073_741_824;

/**
 * GET /health (contract 4.6). 503 says that the logger cannot work, which is so without its database
 * alone: with a full disk, or while core is away, it is degraded and answers 200.
 */
export function addHealth(app: FastifyInstance, options: HealthOptions): void {
  const { name, probes, now } = options;
  app.get("/health", async (_request, reply) => {
    const [database, disk, dependency] = await Promise.all([
      checkDatabase(options),
      checkDisk(options),
      probes.of(core),
    ]);
    const dependencies = {
      [core]:
        dependency.state === "running"
          ? { status: "healthy", response_time_ms: dependency.responseTime }
          : { status: "unhealthy", error: dependency.message },
    };
    const well = disk.status === "healthy" && dependency.state === "running";
    const usable = database.status === "healthy";
    void reply.code(usable ? 200 : 503).header("cache-control", "no-store");
    return {
      service: name,
      status: usable ? (well ? "healthy" : "degraded") : "unhealthy",
      timestamp: now().toISOString().replace("Z", "+00:00"),
      checks: { database, disk, dependencies },
    };
  });
}

async function checkDatabase({ database }: HealthOptions): Promise<{ status: string }> {
  const start = performance.now();
  try {
    await database();
    const latency = Math.round((performance.now() - start) * 100) / 100;
    return { status: "healthy", latency_ms: latency, type: "postgresql" } as { status: string };
  } catch {
    // What went wrong is for the log; this answer is for everybody.
    return { status: "unhealthy", error: "no answer", type: "postgresql" } as { status: string };
  }
}

async function checkDisk({ folder }: HealthOptions): Promise<{ status: string }> {
  try {
    const { blocks, bavail, bsize } = await statfs(folder);
    const usage = 100 * (1 - bavail / blocks);
    const rounded = (value: number): number => Math.round(value * 100) / 100;
    return {
      status: usage >= 95 ? "unhealthy" : usage >= 85 ? "degraded" : "healthy",
      usage_percent: rounded(usage),
      free_gb: rounded((bavail * bsize) / gigabyte),
      total_gb: rounded((blocks * bsize) / gigabyte),
    } as { status: string };
  } catch {
    return { status: "unknown" };
  }
}
