import { type Level, levelOf } from "../kernel/level.ts";
import { isSecretName, isSuspect, redact } from "./redaction.ts";
import { readTimestamp, timestampOf } from "./timestamp.ts";

/** A row of log_entries before it has a number; members are the contract's. */
export interface LogEntry {
  /** Naive UTC: `2026-11-24T10:15:21.123000`. */
  readonly timestamp: string;
  readonly service_name: string;
  readonly level: Level;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>> | null;
  readonly trace_id: string | null;
  readonly user_id: string | null;
  readonly hostname: string | null;
  readonly process_id: number | null;
}

/** Why an entry is not stored. */
export interface Rejection {
  readonly reason: string;
}

/** Characters of a message (contract 3.2). */
export const messageLimit = 10_000;

/** Characters of a context as JSON. */
const contextLimit = 32_768;

/** Levels of nesting in a context; PostgreSQL and our own walk have a stack. */
const depthLimit = 8;

/** Milliseconds that a clock may be ahead; entries from further on would stay on top for ever. */
const skew = 86_400_000;

/**
 * Makes a row of what a client sent, such that the database takes it: no bad entry spoils a batch.
 * @param now in place of a time that is missing or wrong; what was wrong is kept in the context
 */
export function normalizeEntry(raw: unknown, service: string, now: Date): LogEntry | Rejection {
  if (!isRecord(raw)) return { reason: "The entry is not an object" };
  const { message, timestamp, context } = raw;
  if (message === undefined || message === null) return { reason: "message is missing" };
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const read = readTimestamp(timestamp);
  const usable = read !== undefined && read <= latestAt(now);
  const original =
    usable || timestamp === undefined || timestamp === null
      ? undefined
      : { original_timestamp: cleanText(JSON.stringify(timestamp), 100) };
  return {
    timestamp: usable ? read : timestampOf(now),
    service_name: service,
    level: levelOf(raw["level"]) ?? "INFO",
    message: cleanText(text, messageLimit),
    context: cleanContext(context, original),
    trace_id: textOf(raw["trace_id"], 36),
    user_id: textOf(raw["user_id"], 100),
    hostname: textOf(raw["hostname"], 255),
    process_id: processOf(raw["process_id"]),
  };
}

let latest = { at: NaN, text: "" };

/** The same for all entries of a batch. */
function latestAt(now: Date): string {
  const at = now.getTime();
  if (at !== latest.at) latest = { at, text: timestampOf(new Date(at + skew)) };
  return latest.text;
}

/** What most texts have nothing of. */
const active = /[\0\u001b\u009b]/;

const escapes =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])?|\u009b[0-?]*[ -/]*[@-~]?/g;

/**
 * Removes NUL, which PostgreSQL does not store, terminal escapes and secrets.
 * @param limit in characters; cut before the search as well, so that its time is bounded
 */
export function cleanText(text: string, limit: number): string {
  const start = text.slice(0, 2 * limit);
  const plain = active.test(start) ? start.replaceAll("\0", "").replace(escapes, "") : start;
  // A cut in the middle of a pair leaves half a character, which is no valid Unicode.
  return redact(plain).slice(0, limit).toWellFormed();
}

/** What JSON writes for characters that are not stored, and a control character it leaves as it is. */
const strange = /\\u|\u009b/;

/** Most contexts are flat, short and have nothing to clean: one look instead of one at each value. */
function isClean(context: Readonly<Record<string, unknown>>): boolean {
  for (const name in context) {
    if (name.length > 200 || (typeof context[name] === "object" && context[name] !== null)) {
      return false;
    }
  }
  const json = JSON.stringify(context);
  return json.length <= messageLimit && json !== "{}" && !strange.test(json) && !isSuspect(json);
}

function cleanContext(context: unknown, more: object | undefined): LogEntry["context"] {
  if (more === undefined && isRecord(context) && isClean(context)) return context;
  const wrapped = context === undefined || context === null ? {} : context;
  const cleaned = cleanValue(isRecord(wrapped) ? wrapped : { value: wrapped }, 0) as object;
  const all = { ...cleaned, ...more };
  if (Object.keys(all).length === 0) return null;
  const json = JSON.stringify(all);
  // Of the cleaned text: nothing secret comes back by the cut.
  return json.length > contextLimit
    ? { truncated: json.slice(0, contextLimit / 4).toWellFormed() }
    : all;
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cleanText(value, messageLimit);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthLimit) return "[too deep]";
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      cleanText(name, 200),
      isSecretName(name) ? "[secret]" : cleanValue(item, depth + 1),
    ]),
  );
}

/** Numbers of requests and users, mostly; none of them is a secret or a part of one. */
const plainId = /^[\da-f-]{1,36}$/i;

function textOf(value: unknown, limit: number): string | null {
  if (typeof value === "string" && plainId.test(value)) return value;
  if (typeof value === "number") return String(value).slice(0, limit);
  return typeof value === "string" && value !== "" ? cleanText(value, limit) : null;
}

function processOf(value: unknown): number | null {
  const number = typeof value === "string" ? Number(value) : value;
  return Number.isInteger(number) && Number(number) >= 0 && Number(number) <= 0x7fffffff
    ? Number(number)
    : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
