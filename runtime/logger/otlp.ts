import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Auth, Claims } from "./auth.ts";
import { normalizeEntry, type LogEntry } from "./entry.ts";
import { bodyLimit, type Intake } from "./intake.ts";
import { readLogsRequest, writeLogsResponse } from "./otlp/binary.ts";
import type { LogsRequest } from "./otlp/message.ts";
import { listRecords } from "./otlp/record.ts";
import type { LogStore } from "./store.ts";

/** Records of one request, as of the platform's own. */
const limit = 10_000;

const binary = "application/x-protobuf";

export interface OtlpOptions {
  readonly auth: Auth;
  readonly intake: Intake;
  readonly store: LogStore;
  readonly now: () => Date;
}

/**
 * POST /v1/logs: OTLP/HTTP in its binary and its JSON form (opentelemetry.io/docs/specs/otlp). A
 * service writes in its own name, whatever its `service.name`; an administrator's collector writes in
 * the names that its records have.
 */
export function addOtlp(app: FastifyInstance, { auth, intake, store, now }: OtlpOptions): void {
  app.addContentTypeParser(binary, { parseAs: "buffer", bodyLimit }, (_request, body, done) => {
    done(null, body);
  });
  const options = { onRequest: auth.adminOrService, preParsing: intake.admit, bodyLimit };
  app.post("/v1/logs", options, async ({ body, claims }, reply) => {
    const isBinary = Buffer.isBuffer(body);
    const records = listRecords(isBinary ? decode(body) : jsonOf(body));
    if (records.length > limit) {
      const message = `Maximum ${limit} records per request`;
      throw new ServiceError(413, "ERR_TOO_MANY_LOGS", message, { members: { error: message } });
    }
    const time = now();
    const reasons = new Set<string>();
    const entries: LogEntry[] = [];
    for (const { service, raw } of records) {
      const entry = normalizeEntry(raw, serviceOf(claims, service), time);
      if ("reason" in entry) reasons.add(entry.reason);
      else entries.push(entry);
    }
    await store.insert(entries);
    const rejected = records.length - entries.length;
    const reason = [...reasons].join("; ");
    if (isBinary) return reply.type(binary).send(writeLogsResponse(rejected, reason));
    return rejected === 0
      ? {}
      : { partialSuccess: { rejectedLogRecords: String(rejected), errorMessage: reason } };
  });
}

function decode(body: Buffer): LogsRequest {
  try {
    return readLogsRequest(body);
  } catch (cause) {
    throw invalid("The body is no ExportLogsServiceRequest", cause);
  }
}

function jsonOf(body: unknown): LogsRequest {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw invalid("The body is no ExportLogsServiceRequest");
}

function serviceOf(claims: Claims | null, name: string | undefined): string {
  if (claims?.type === "service") return claims.calling_service;
  const usable = (name ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .slice(0, 50);
  return usable === "" ? "unknown" : usable;
}

function invalid(message: string, cause?: unknown): ServiceError {
  return new ServiceError(400, "ERR_OTLP_INVALID", message, { cause, members: { error: message } });
}
