import type { AnyValue, KeyValue, LogRecord, LogsRequest } from "./message.ts";

/** A record in the shape that `normalizeEntry` takes, and the service it names. */
export interface RawRecord {
  readonly service: string | undefined;
  readonly raw: Readonly<Record<string, unknown>>;
}

type Attributes = Record<string, unknown>;

/** The records of a request in their order. */
export function listRecords({ resourceLogs }: LogsRequest): RawRecord[] {
  const records: RawRecord[] = [];
  for (const { resource, scopeLogs } of listOf(resourceLogs)) {
    const origin = attributesOf(resource?.attributes);
    const service = textOf(origin["service.name"]);
    for (const { scope, logRecords } of listOf(scopeLogs)) {
      for (const record of listOf(logRecords)) {
        records.push({ service, raw: rawOf(record, origin, textOf(scope?.name)) });
      }
    }
  }
  return records;
}

function rawOf(record: LogRecord, origin: Attributes, scope: string | undefined): Attributes {
  const attributes = attributesOf(record.attributes);
  const { "service.name": service, "host.name": host, "process.pid": process, ...rest } = origin;
  const body = record.body === undefined ? undefined : valueOf(record.body);
  const message = body ?? attributes["exception.message"] ?? record.eventName;
  return {
    timestamp: timeOf(record.timeUnixNano) ?? timeOf(record.observedTimeUnixNano),
    level: levelOf(record),
    message,
    trace_id: idOf(record.traceId),
    user_id: attributes["enduser.id"] ?? attributes["user.id"],
    hostname: host,
    process_id: process,
    context: {
      ...attributes,
      ...(record.eventName !== undefined && { event_name: record.eventName }),
      ...(idOf(record.spanId) !== undefined && { span_id: record.spanId }),
      ...(scope !== undefined && { scope }),
      ...(Object.keys(rest).length > 0 && { resource: rest }),
      ...(service !== undefined && { "service.name": service }),
    },
  };
}

/** SeverityNumber: 1 to 4 are TRACE, 5 to 8 DEBUG, and so on; the word is used where there is none. */
function levelOf({ severityNumber, severityText }: LogRecord): string | undefined {
  const number = severityNumber ?? 0;
  if (!(number >= 1 && number <= 24)) return severityText;
  return ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"][Math.ceil(number / 4) - 1];
}

/** Nanoseconds since 1970 as naive UTC with microseconds. */
function timeOf(nanoseconds: string | number | undefined): string | undefined {
  const text = String(nanoseconds ?? "");
  if (!/^\d{10,20}$/.test(text) || text === "0") return undefined;
  const microseconds = BigInt(text) / 1000n;
  const date = new Date(Number(microseconds / 1000n));
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) return undefined;
  return date.toISOString().replace("Z", String(microseconds % 1000n).padStart(3, "0"));
}

/** W3C trace context: zeros stand for none. */
function idOf(id: string | undefined): string | undefined {
  return typeof id === "string" && /[1-9a-f]/i.test(id) ? id.toLowerCase() : undefined;
}

function attributesOf(pairs: KeyValue[] | undefined): Attributes {
  return Object.fromEntries(
    listOf(pairs).map(({ key, value }) => [
      String(key),
      value === undefined ? null : valueOf(value),
    ]),
  );
}

function valueOf(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return listOf(value.arrayValue.values).map(valueOf);
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values);
  const number = value.intValue === undefined ? undefined : Number(value.intValue);
  // Beyond what a number holds exactly, the text does.
  const integer = Number.isSafeInteger(number) ? number : value.intValue;
  return (
    value.stringValue ?? value.boolValue ?? integer ?? value.doubleValue ?? value.bytesValue ?? null
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** What comes as JSON may be anything. */
function listOf<T extends object>(list: readonly T[] | undefined): readonly T[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly unknown[]).filter(
    (one): one is T => typeof one === "object" && one !== null,
  );
}
