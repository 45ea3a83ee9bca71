/** Status line and header fields of an answer (RFC 9112, 4 and 5). */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; a list when a name stands more than once. */
  readonly headers: Record<string, string | string[]>;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
  /** Bytes of the body; `chunked`, or `close`: until the end of the connection. */
  readonly body: number | "chunked" | "close";
}

/** What came is no answer in HTTP/1. The connection is of no use any more. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";
  readonly code = "ERR_RESPONSE";
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const control = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Reads the head of an answer, without the empty line. Strict: what two programs could read in two
 * ways is refused, as are folded lines, lengths that contradict and codings besides `chunked`.
 * @param text as Latin-1
 * @param method of the request: HEAD has no body whatever is said
 * @throws ResponseError
 */
export function readResponseHead(text: string, method: string): ResponseHead {
  const end = lineEnd(text, 0);
  const line = statusLine.exec(text.slice(0, end));
  if (line === null) throw new ResponseError("no status line");
  const status = Number(line[2]);
  const headers = readFields(text, end + 2);
  const connection = joined(headers["connection"])?.toLowerCase();
  const keepAlive =
    line[1] === "1"
      ? connection === undefined || !connection.split(",").some((each) => each.trim() === "close")
      : connection === "keep-alive";
  return { status, headers, keepAlive, body: lengthOf(status, headers, method) };
}

/** Header fields, or trailers, from a position on. @throws ResponseError */
export function readFields(text: string, from: number): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (let at = from; at < text.length;) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(":", at);
    if (colon <= at || colon >= end) throw new ResponseError("no header field");
    const name = text.slice(at, colon).toLowerCase();
    const value = text.slice(colon + 1, end).trim();
    if (!token.test(name) || control.test(value)) throw new ResponseError("no header field");
    if (name !== "__proto__") add(fields, name, value);
    at = end + 2;
  }
  return fields;
}

function add(fields: Record<string, string | string[]>, name: string, value: string): void {
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (known === undefined) fields[name] = value;
  else if (typeof known === "string") fields[name] = [known, value];
  else known.push(value);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end === -1 ? text.length : end;
}

/** RFC 9112, 6.3. */
function lengthOf(
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  method: string,
): ResponseHead["body"] {
  const coding = joined(headers["transfer-encoding"]);
  const length = headers["content-length"];
  if (coding !== undefined && length !== undefined) throw new ResponseError("two lengths");
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw new ResponseError("an unknown coding");
    return "chunked";
  }
  if (length === undefined) return "close";
  const [first = "", ...more] = typeof length === "string" ? [length] : length;
  if (!/^\d{1,15}$/.test(first) || more.some((other) => other !== first)) {
    throw new ResponseError("no length");
  }
  return Number(first);
}

function joined(value: string | string[] | undefined): string | undefined {
  return typeof value === "object" ? value.join(", ") : value;
}
