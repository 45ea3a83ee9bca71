import { levelOf } from "../kernel/level.ts";
import { messageLimit } from "./entry.ts";
import { readTimestamp } from "./timestamp.ts";

/** What a line of output says; goes through `normalizeEntry` like what clients send. */
export interface ParsedLine {
  timestamp?: unknown;
  level?: unknown;
  message: string;
  context?: Record<string, unknown>;
  trace_id?: unknown;
  user_id?: unknown;
  hostname?: unknown;
  process_id?: unknown;
}

/** svlogd -tt: UTC. */
const stamp = /^(\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{1,9}) ?/;

const date = String.raw`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?`;
const python = "DEBUG|INFO|WARNING|ERROR|CRITICAL";

/** Formats that name their level at a certain place; a word anywhere else says nothing. */
const formats: readonly RegExp[] = [
  // Keycloak: 2026-11-24 10:15:21,123 INFO  [org.keycloak.Main] (main) text
  new RegExp(
    `^${date} (?<level>TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\\[(?<logger>[^\\]]+)\\] (?:\\((?<thread>[^)]*)\\) )?(?<message>.*)`,
    "s",
  ),
  // PostgreSQL: 2026-11-24 10:15:21.123 UTC [123] role@database LOG:  text
  new RegExp(
    `^${date} \\S+ \\[(?<pid>\\d+)\\] (?:[^ :]+ )?(?<level>LOG|DEBUG[1-5]|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC): +(?<message>.*)`,
    "s",
  ),
  // Flask: [2026-11-24 10:15:21,123] ERROR in app: text
  new RegExp(`^\\[${date}\\] (?<level>${python}) in (?<logger>[\\w.]+): (?<message>.*)`, "s"),
  // Gunicorn: [2026-11-24 10:15:21 +0000] [123] [INFO] text
  new RegExp(
    `^\\[${date} [+-]\\d{4}\\] \\[(?<pid>\\d+)\\] \\[(?<level>${python})\\] (?<message>.*)`,
    "s",
  ),
  // Python's own: INFO:name:text
  new RegExp(`^(?<level>${python}):(?<logger>[\\w.]+):(?<message>.*)`, "s"),
  // And what most make of it: 2026-11-24 10:15:21,123 - name - INFO - text
  new RegExp(
    `^${date} (?:- )?(?:(?<logger>[\\w.]+) (?:- )?)?\\[?(?<level>${python})\\]?(?: -|:)? (?<message>.*)`,
    "s",
  ),
];

/** PostgreSQL says more of an entry in lines of their own. */
const detail = /^\S+ \S+ \S+ \[\d+\] (?:[^ :]+ )?(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY): /;
const traceback = "Traceback (most recent call last):";

interface Group {
  timestamp: string | undefined;
  text: string;
  /** Within a Python traceback, whose last line is not indented. */
  open: boolean;
}

/**
 * Reads lines of a service's output in their order. What belongs together (a stack trace) becomes
 * one entry; empty lines are left out.
 */
export function parseLines(lines: readonly string[]): ParsedLine[] {
  const groups: Group[] = [];
  for (const line of lines) {
    const found = stamp.exec(line);
    const text = line.slice(found?.[0].length ?? 0).replace(/\r$/, "");
    if (text.trim() === "") continue;
    const last = groups.at(-1);
    const isTraceback = text.startsWith(traceback);
    if (last !== undefined && (belongs(text) || last.open || (isTraceback && isFault(last)))) {
      // Bounded: what is beyond the limit would be cut anyway.
      if (last.text.length <= messageLimit) last.text += `\n${text}`;
      last.open = isTraceback || (last.open && /^\s/.test(text));
      continue;
    }
    groups.push({ timestamp: found?.[1], text, open: isTraceback });
  }
  return groups.map(parseGroup);
}

function belongs(text: string): boolean {
  return /^\s|^at |^Caused by: /.test(text) || detail.test(text);
}

function isFault({ text }: Group): boolean {
  return ["ERROR", "CRITICAL"].includes(levelOf(parseText(text).level) ?? "");
}

function parseGroup({ timestamp, text }: Group): ParsedLine {
  const parsed = parseText(text);
  return { ...parsed, timestamp: readTimestamp(parsed.timestamp) ?? timestamp };
}

function parseText(text: string): ParsedLine {
  if (text.startsWith("{")) {
    const record = readRecord(text);
    if (record !== undefined) return parseRecord(record, text);
  }
  if (text.startsWith(traceback)) return { level: "ERROR", message: text };
  for (const format of formats) {
    const groups = format.exec(text)?.groups;
    if (groups === undefined) continue;
    const { level, message = "", logger, thread, pid } = groups;
    const context = { ...(logger && { logger }), ...(thread && { thread }) };
    const word = level === "LOG" ? "INFO" : level?.replace(/^DEBUG\d$/, "DEBUG");
    return { level: word, message, context, process_id: pid };
  }
  return { message: text.trimStart() };
}

function readRecord(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Members with a column of their own; `service` is the folder's name. pino's names and Python's. */
const aliases = {
  level: ["level"],
  message: ["msg", "message"],
  timestamp: ["time", "timestamp"],
  trace_id: ["trace_id", "correlation_id", "request_id", "requestId", "req_id", "reqId"],
  user_id: ["user_id"],
  hostname: ["hostname"],
  process_id: ["process_id", "pid"],
} as const;

const taken = new Set<string>(["service", ...Object.values(aliases).flat()]);

function parseRecord(record: Record<string, unknown>, text: string): ParsedLine {
  const pick = (names: readonly string[]): unknown =>
    names.map((name) => record[name]).find((value) => value !== undefined && value !== null);
  const { err } = record;
  const reason =
    typeof err === "object" && err !== null && "message" in err ? err.message : undefined;
  const message = pick(aliases.message) ?? reason ?? text;
  return {
    level: record["level"],
    timestamp: pick(aliases.timestamp),
    message: typeof message === "string" ? message : JSON.stringify(message),
    context: Object.fromEntries(Object.entries(record).filter(([name]) => !taken.has(name))),
    trace_id: pick(aliases.trace_id),
    user_id: pick(aliases.user_id),
    hostname: pick(aliases.hostname),
    process_id: pick(aliases.process_id),
  };
}
