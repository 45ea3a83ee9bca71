/**
 * Logs of OpenTelemetry as OTLP/HTTP has them in JSON (opentelemetry-proto 1.x, logs/v1, common/v1):
 * members are optional, 64 bit integers are texts, ids hexadecimal. The binary form is read into this.
 */
export interface LogsRequest {
  resourceLogs?: ResourceLogs[];
}

export interface ResourceLogs {
  resource?: { attributes?: KeyValue[] };
  scopeLogs?: ScopeLogs[];
}

export interface ScopeLogs {
  scope?: { name?: string; version?: string };
  logRecords?: LogRecord[];
}

export interface LogRecord {
  timeUnixNano?: string | number;
  observedTimeUnixNano?: string | number;
  severityNumber?: number;
  severityText?: string;
  body?: AnyValue;
  attributes?: KeyValue[];
  traceId?: string;
  spanId?: string;
  eventName?: string;
}

export interface KeyValue {
  key?: string;
  value?: AnyValue;
}

/** One of them at most. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
  /** Base64. */
  bytesValue?: string;
}
