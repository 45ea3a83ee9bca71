import type { LogEntry } from "./logDatabase.ts";
import type { Output } from "./output.ts";

/** Colours that a program meant for a terminal of its own (SGR, ECMA-48). */
const colours = /\u001b\[[0-9;:]*m/g;

/** Characters that a terminal acts on, or that change the order of what is read. */
const active =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text of unknown origin, harmless for a terminal: nothing moves, clears or pretends. */
export function neutralise(text: string): string {
  return text
    .replace(colours, "")
    .replaceAll("\r\n", "\n")
    .replace(active, escape)
    .replaceAll("\t", "  ");
}

/** Columns of one entry; further lines of its message are marked as such. */
export function describeEntry(
  entry: LogEntry,
  output: Output,
  { now, width }: { readonly now: Date; readonly width: number },
): string {
  const level = paint(entry.level, neutralise(entry.level).padEnd(8), output);
  const [first = "", ...more] = neutralise(entry.message).trimEnd().split("\n");
  const columns = [
    output.dim(describeTime(new Date(entry.timestamp), now)),
    neutralise(entry.service_name).padEnd(width),
    level,
    first,
  ];
  return [columns.join("  ").trimEnd(), ...more.map((line) => `  | ${line}`)].join("\n");
}

/** One object a line, the members as the logger's API has them (contract 3.3). */
export function describeJson(entry: LogEntry): string {
  return JSON.stringify(entry).replace(active, escape);
}

/** In the time of this machine; with the date when it was another day. */
export function describeTime(time: Date, now: Date): string {
  const day = `${pad(time.getFullYear(), 4)}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => pad(part));
  const text = `${clock.join(":")}.${pad(time.getMilliseconds(), 3)}`;
  return time.toDateString() === now.toDateString() ? text : `${day} ${text}`;
}

function paint(level: string, text: string, output: Output): string {
  if (level === "ERROR" || level === "CRITICAL") return output.red(text);
  if (level === "WARNING") return output.yellow(text);
  if (level === "INFO") return output.green(text);
  return level === "DEBUG" ? output.blue(text) : text;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function pad(part: number, digits = 2): string {
  return String(part).padStart(digits, "0");
}
