import type { StoredEntry } from "../store.ts";
import type { AnyValue, LogRecord, LogsRequest } from "./message.ts";

/** SeverityNumber of each level. */
const severities: Readonly<Record<string, number>> = {
  DEBUG: 5,
  INFO: 9,
  WARNING: 13,
  ERROR: 17,
  CRITICAL: 21,
};

/** Entries as an ExportLogsServiceRequest, those of one service and host together. */
export function requestOf(entries: readonly StoredEntry[]): LogsRequest {
  const groups = new Map<string, StoredEntry[]>();
  for (const entry of entries) {
    const key = `${entry.service_name}\n${entry.hostname ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return {
    resourceLogs: [...groups.entries()].map(([key, group]) => {
      const [service = "", host = ""] = key.split("\n");
      const attributes = { "service.name": service, ...(host !== "" && { "host.name": host }) };
      return {
        resource: { attributes: pairsOf(attributes) },
        scopeLogs: [{ scope: { name: "hivematrix" }, logRecords: group.map(recordOf) }],
      };
    }),
  };
}

function recordOf(entry: StoredEntry): LogRecord {
  const { trace_id: trace, user_id: user, process_id: process, id } = entry;
  const plain = trace?.replaceAll("-", "").toLowerCase() ?? "";
  const isTrace = /^[\da-f]{32}$/.test(plain);
  return {
    timeUnixNano: `${BigInt(Date.parse(`${entry.timestamp.slice(0, 23)}Z`)) * 1000n + BigInt(entry.timestamp.slice(23, 26))}000`,
    severityNumber: severities[entry.level] ?? 9,
    severityText: entry.level,
    body: { stringValue: entry.message },
    ...(isTrace && { traceId: plain }),
    attributes: pairsOf({
      ...entry.context,
      // At least once: by this whoever receives it twice knows.
      "log.id": id,
      ...(trace !== null && !isTrace && { "request.id": trace }),
      ...(user !== null && { "enduser.id": user }),
      ...(process !== null && { "process.pid": process }),
    }),
  };
}

function pairsOf(values: Readonly<Record<string, unknown>>): { key: string; value: AnyValue }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: unknown): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  if (typeof value === "object" && value !== null) {
    return { kvlistValue: { values: pairsOf(value as Readonly<Record<string, unknown>>) } };
  }
  return {};
}
