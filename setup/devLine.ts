import { describeTime, neutralise } from "../cli/logLine.ts";
import type { Output } from "../cli/output.ts";

/** Members that have a column of their own, or say what is known. */
const known = new Set(["level", "time", "msg", "service", "pid", "hostname", "err"]);

/**
 * What a service under development wrote, one line: pino's JSON readable for a person, everything
 * else as it is; harmless for a terminal.
 * @returns lines without the service's name
 */
export function describeLine(text: string, output: Output, now = new Date()): string[] {
  const members = parse(text);
  if (members === undefined) return neutralise(text).split("\n");
  const { level, time, msg, err } = members;
  const rest = Object.entries(members)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const columns = [
    output.dim(describeTime(new Date(time), now)),
    paintLevel(level, output),
    ...(msg === undefined ? [] : [neutralise(msg)]),
    ...(rest.length === 0 ? [] : [output.dim(neutralise(rest.join(" ")))]),
  ];
  const [first = "", ...more] = columns.join("  ").split("\n");
  return [first, ...[...more, ...describeError(err)].map((line) => `  | ${line}`)];
}

interface Members extends Readonly<Record<string, unknown>> {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
}

/** @returns undefined when it is no line of pino's */
function parse(text: string): Members | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { level, time, msg, ...rest } = JSON.parse(text) as Record<string, unknown>;
    if (typeof level !== "string" || typeof time !== "string") return undefined;
    return { level, time, ...(typeof msg === "string" ? { msg } : {}), ...rest };
  } catch {
    return undefined;
  }
}

/** An error as pino writes it; the stack says its message too. */
function describeError(err: unknown): string[] {
  if (typeof err !== "object" || err === null) return [];
  const { stack, message } = err as { stack?: unknown; message?: unknown };
  const text = typeof stack === "string" ? stack : message;
  return typeof text === "string" ? neutralise(text).split("\n") : [];
}

function paintLevel(level: string, output: Output): string {
  const text = neutralise(level).toUpperCase().padEnd(5);
  if (level === "error" || level === "fatal") return output.red(text);
  if (level === "warn") return output.yellow(text);
  return level === "info" ? output.green(text) : output.blue(text);
}
