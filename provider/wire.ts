import struct from "google-protobuf/google/protobuf/struct_pb.js";

/** A value that is known only after the up. */
export const UNKNOWN = Symbol("unknown yet");

export type Path = readonly (string | number)[];

/** What a message carried: plain values, and where among them secrets are. */
export interface Properties {
  readonly values: Record<string, unknown>;
  readonly secrets: readonly Path[];
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const signatures = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  resource: "5cf8f73096256a8f31e491e813e4eb8e",
} as const;

/** The engine sends one of these in place of a value, by its type (sdk/go/common/resource/plugin/rpc.go). */
const unknowns: ReadonlySet<unknown> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Plain values of a message; null counts as absent.
 * @throws Error when it holds an asset, an archive or bytes: nothing here takes one.
 */
export function decode(message: struct.Struct | undefined): Properties {
  const secrets: Path[] = [];
  const values = decodeObject(message?.toJavaScript() ?? {}, [], secrets);
  return { values, secrets };
}

/** A message of plain values; UNKNOWN and the places named in `secrets` are marked as such. */
export function encode(
  values: Readonly<Record<string, unknown>>,
  secrets: readonly Path[],
): struct.Struct {
  const marked = new Set(secrets.map((path) => JSON.stringify(path)));
  return struct.Struct.fromJavaScript(encodeObject(values, [], marked));
}

function decodeObject(value: object, path: Path, secrets: Path[]): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== null && item !== undefined)
      plain[key] = decodeValue(item, [...path, key], secrets);
  }
  return plain;
}

function decodeValue(value: unknown, path: Path, secrets: Path[]): unknown {
  if (unknowns.has(value)) return UNKNOWN;
  if (Array.isArray(value)) {
    return value.map((item, index) => decodeValue(item, [...path, index], secrets));
  }
  if (typeof value !== "object" || value === null) return value;
  if (signatureKey in value) return decodeMarked(value, path, secrets);
  return decodeObject(value, path, secrets);
}

function decodeMarked(
  marked: Readonly<Record<string, unknown>>,
  path: Path,
  secrets: Path[],
): unknown {
  switch (marked[signatureKey]) {
    case signatures.secret:
      secrets.push(path);
      return decodeValue(marked["value"], path, secrets);
    case signatures.output:
      if (marked["secret"] === true) secrets.push(path);
      return "value" in marked ? decodeValue(marked["value"], path, secrets) : UNKNOWN;
    case signatures.resource:
      return decodeValue(marked["id"] ?? marked["urn"], path, secrets);
    default:
      throw new Error(`${formatPath(path)} is an asset or binary data; give text instead.`);
  }
}

function encodeObject(
  values: Readonly<Record<string, unknown>>,
  path: Path,
  marked: ReadonlySet<string>,
): Record<string, struct.JavaScriptValue> {
  const encoded: Record<string, struct.JavaScriptValue> = {};
  for (const [key, item] of Object.entries(values)) {
    if (item !== undefined && item !== null) {
      encoded[key] = encodeValue(item, [...path, key], marked);
    }
  }
  return encoded;
}

function encodeValue(
  value: unknown,
  path: Path,
  marked: ReadonlySet<string>,
): struct.JavaScriptValue {
  const encoded = encodePlain(value, path, marked);
  if (!marked.has(JSON.stringify(path))) return encoded;
  return { [signatureKey]: signatures.secret, value: encoded };
}

function encodePlain(
  value: unknown,
  path: Path,
  marked: ReadonlySet<string>,
): struct.JavaScriptValue {
  if (value === UNKNOWN) return unknownString;
  if (Array.isArray(value)) {
    return value.map((item, index) => encodeValue(item, [...path, index], marked));
  }
  if (typeof value === "object" && value !== null) {
    return encodeObject(value as Record<string, unknown>, path, marked);
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  return null;
}

/** As Pulumi writes property paths: `ready[0].tcp.port`, `env["a.b"]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_$][\w$-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

/** The value at a path; undefined when there is none. */
export function valueAt(values: unknown, path: Path): unknown {
  let value = values;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** Whether something in it is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasUnknown);
}
