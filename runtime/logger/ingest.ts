import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth, Claims } from "./auth.ts";
import { normalizeEntry, type LogEntry } from "./entry.ts";
import { bodyLimit, type Intake } from "./intake.ts";
import type { LogStore } from "./store.ts";

/** Entries of one request (contract 3.2). */
const limit = 10_000;

interface Batch {
  readonly service: string;
  readonly logs: readonly unknown[];
}

export interface IngestOptions {
  readonly auth: Auth;
  readonly intake: Intake;
  readonly store: LogStore;
  readonly now: () => Date;
}

/** POST /api/logs/ingest (contract 3.2): answers 200 only when the entries are committed. */
export function addIngest(app: FastifyInstance, options: IngestOptions): void {
  const { auth, intake, store, now } = options;
  app.post(
    "/api/logs/ingest",
    { onRequest: auth.adminOrService, preParsing: intake.admit, bodyLimit },
    async ({ body, claims }) => {
      const { service, logs } = readBatch(body, claims);
      const time = now();
      const entries: LogEntry[] = [];
      const rejected: { index: number; reason: string }[] = [];
      for (const [index, raw] of logs.entries()) {
        const result = normalizeEntry(raw, service, time);
        if ("reason" in result) rejected.push({ index, reason: result.reason });
        else entries.push(result);
      }
      await store.insert(entries);
      return {
        success: true,
        ingested: entries.length,
        message: `Successfully ingested ${String(entries.length)} log entries`,
        ...(rejected.length > 0 && { rejected }),
      };
    },
  );
}

/** The order of the checks and their texts are the contract's. */
function readBatch(body: unknown, claims: Claims | null): Batch {
  const { logs, service_name } = (body ?? {}) as Record<string, unknown>;
  if (!Array.isArray(logs)) throw badRequest("ERR_LOGS_MISSING", "Missing logs array");
  const caller = claims?.type === "service" ? claims.calling_service : undefined;
  const service = service_name ?? caller;
  if (service === undefined || service === "") {
    throw badRequest("ERR_SERVICE_NAME_MISSING", "service_name is required");
  }
  if (typeof service !== "string" || !/^[a-z0-9_-]{1,50}$/.test(service)) {
    throw badRequest("ERR_SERVICE_NAME_INVALID", "Invalid service_name format");
  }
  if (logs.length > limit) {
    throw badRequest("ERR_TOO_MANY_LOGS", `Maximum ${String(limit)} logs per request`);
  }
  if (caller !== undefined && service !== caller) {
    const message = "service_name is not the service the token was made for";
    throw new ServiceError(403, "ERR_SERVICE_NAME_FOREIGN", message, {
      members: { error: message },
    });
  }
  return { service, logs };
}

function badRequest(code: `ERR_${string}`, message: string): ServiceError {
  return new ServiceError(400, code, message, { members: { error: message } });
}
