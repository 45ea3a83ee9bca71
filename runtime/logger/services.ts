import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth } from "./auth.ts";
import type { Probes, ServiceState } from "./probes.ts";
import type { LogStore } from "./store.ts";
import { timestampOf } from "./timestamp.ts";

export interface ServicesOptions {
  readonly auth: Auth;
  readonly probes: Probes;
  readonly store: LogStore;
  readonly now: () => Date;
}

/** Milliseconds that the dashboard's counts go back. */
const statsSpan = 3_600_000;

/** Where the contract has `status` and `health`, from our states. */
const states = {
  running: { status: "running", health: "healthy" },
  "not ready": { status: "running", health: "degraded" },
  "not running": { status: "stopped", health: "unreachable" },
} as const;

/** GET /api/services, …/status and /api/dashboard/status (contract 3.3). */
export function addServices(
  app: FastifyInstance,
  { auth, probes, store, now }: ServicesOptions,
): void {
  const statuses = async (): Promise<object> => {
    const all = await probes.all();
    return Object.fromEntries(all.map((state) => [state.name, statusOf(state, probes)]));
  };

  app.get("/api/services", { onRequest: auth.admin }, () => ({
    services: probes.names,
    details: Object.fromEntries(
      probes.names.map((name) => [name, { url: probes.addressOf(name) ?? null }]),
    ),
  }));

  app.get("/api/services/status", { onRequest: auth.adminOrService }, statuses);

  app.get<{ Params: { name: string } }>(
    "/api/services/:name/status",
    { onRequest: auth.adminOrService },
    async ({ params }) => {
      if (probes.names.includes(params.name)) return statusOf(await probes.of(params.name), probes);
      throw new ServiceError(404, "ERR_SERVICE_UNKNOWN", "Service not found", {
        members: { error: "Service not found" },
      });
    },
  );

  app.get("/api/dashboard/status", { onRequest: auth.adminOrService }, async () => {
    const start = timestampOf(new Date(now().getTime() - statsSpan));
    const [all, stats] = await Promise.all([statuses(), store.stats(start)]);
    return { statuses: all, log_stats: stats };
  });
}

function statusOf({ name, state, message, responseTime }: ServiceState, probes: Probes): object {
  const address = probes.addressOf(name);
  const url = address === undefined ? undefined : new URL(address);
  return {
    service_name: name,
    configured_port: url === undefined || url.port === "" ? null : Number(url.port),
    configured_url: url?.origin ?? null,
    ...states[state],
    health_message: message,
    response_time_ms: responseTime,
    // What a process uses comes with the metrics.
    pid: null,
    cpu_percent: null,
    memory_mb: null,
    create_time: null,
  };
}
