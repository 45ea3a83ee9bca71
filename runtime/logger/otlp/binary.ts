import protobuf from "google-protobuf";

import type {
  AnyValue,
  KeyValue,
  LogRecord,
  LogsRequest,
  ResourceLogs,
  ScopeLogs,
} from "./message.ts";

type Reader = protobuf.BinaryReader;

/** Reads one field into the message; false for a field that is not known. */
type ReadField<M> = (message: M, field: number, reader: Reader) => boolean;

/** Messages within messages; a value may hold values. */
const depthLimit = 32;

/**
 * Reads an ExportLogsServiceRequest. The numbers are those of opentelemetry-proto 1.x
 * (collector/logs/v1, logs/v1, common/v1, resource/v1), fields that are not known are left out.
 * @throws Error when it is none
 */
export function readLogsRequest(bytes: Uint8Array): LogsRequest {
  return readMessage<LogsRequest>(new protobuf.BinaryReader(bytes), 0, (request, field, reader) => {
    if (field !== 1) return false;
    (request.resourceLogs ??= []).push(readInner(reader, 1, readResourceLogs));
    return true;
  });
}

const readResourceLogs: ReadField<ResourceLogs> = (logs, field, reader) => {
  if (field === 1) logs.resource = readInner(reader, 2, readResource);
  else if (field === 2) (logs.scopeLogs ??= []).push(readInner(reader, 2, readScopeLogs));
  else return false;
  return true;
};

const readResource: ReadField<{ attributes?: KeyValue[] }> = (resource, field, reader) => {
  if (field !== 1) return false;
  (resource.attributes ??= []).push(readKeyValue(reader, 3));
  return true;
};

const readScopeLogs: ReadField<ScopeLogs> = (logs, field, reader) => {
  if (field === 1) {
    logs.scope = readInner<{ name?: string; version?: string }>(reader, 3, (scope, one, inner) => {
      if (one === 1) scope.name = inner.readString();
      else if (one === 2) scope.version = inner.readString();
      else return false;
      return true;
    });
  } else if (field === 2) (logs.logRecords ??= []).push(readInner(reader, 3, readRecord));
  else return false;
  return true;
};

const readRecord: ReadField<LogRecord> = (record, field, reader) => {
  if (field === 1) record.timeUnixNano = reader.readFixed64String();
  else if (field === 2) record.severityNumber = reader.readEnum();
  else if (field === 3) record.severityText = reader.readString();
  else if (field === 5) record.body = readValue(reader, 4);
  else if (field === 6) (record.attributes ??= []).push(readKeyValue(reader, 4));
  else if (field === 9) record.traceId = hexOf(reader);
  else if (field === 10) record.spanId = hexOf(reader);
  else if (field === 11) record.observedTimeUnixNano = reader.readFixed64String();
  else if (field === 12) record.eventName = reader.readString();
  else return false;
  return true;
};

function readKeyValue(reader: Reader, depth: number): KeyValue {
  return readInner<KeyValue>(reader, depth, (pair, field, inner) => {
    if (field === 1) pair.key = inner.readString();
    else if (field === 2) pair.value = readValue(inner, depth + 1);
    else return false;
    return true;
  });
}

function readValue(reader: Reader, depth: number): AnyValue {
  return readInner<AnyValue>(reader, depth, (value, field, inner) => {
    if (field === 1) value.stringValue = inner.readString();
    else if (field === 2) value.boolValue = inner.readBool();
    else if (field === 3) value.intValue = inner.readInt64String();
    else if (field === 4) value.doubleValue = inner.readDouble();
    else if (field === 5) value.arrayValue = { values: readList(inner, depth, readValue) };
    else if (field === 6) value.kvlistValue = { values: readList(inner, depth, readKeyValue) };
    else if (field === 7) value.bytesValue = Buffer.from(inner.readBytes()).toString("base64");
    else return false;
    return true;
  });
}

function readList<T>(
  reader: Reader,
  depth: number,
  readOne: (reader: Reader, depth: number) => T,
): T[] {
  const values: T[] = [];
  readInner(reader, depth + 1, (_list, field, inner) => {
    if (field !== 1) return false;
    values.push(readOne(inner, depth + 2));
    return true;
  });
  return values;
}

function readInner<M extends object>(reader: Reader, depth: number, readField: ReadField<M>): M {
  let message: M | undefined;
  reader.readMessage(reader, () => {
    message = readMessage(reader, depth, readField);
  });
  return message ?? ({} as M);
}

function readMessage<M extends object>(reader: Reader, depth: number, readField: ReadField<M>): M {
  if (depth > depthLimit) throw new Error("too deep");
  const message = {} as M;
  while (reader.nextField() && !reader.isEndGroup()) {
    if (!readField(message, reader.getFieldNumber(), reader)) reader.skipField();
  }
  return message;
}

function hexOf(reader: Reader): string {
  return Buffer.from(reader.readBytes()).toString("hex");
}

/** An ExportLogsServiceResponse; a `partial_success` says that some records were not stored. */
export function writeLogsResponse(rejected: number, message: string): Buffer {
  const writer = new protobuf.BinaryWriter();
  if (rejected > 0) {
    writer.writeMessage(1, {}, () => {
      writer.writeInt64(1, rejected);
      writer.writeString(2, message);
    });
  }
  return Buffer.from(writer.getResultBuffer());
}
