const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(?:Z|([+-])(\d\d):?(\d\d))?)?$/i;

/** Times of one batch are of the same minute, mostly, in the form that clients send. */
const usual = /^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d\.\d{6}Z?$/;
let minute = "";

/** Naive UTC with microseconds, as the database has it: `2026-11-24T10:15:21.123000`. */
export function timestampOf(date: Date): string {
  return date.toISOString().replace("Z", "000");
}

/**
 * Reads ISO 8601, svlogd's `-tt` and milliseconds since 1970. A time without an offset is UTC
 * (contract 4.3).
 * @returns undefined when it is no time between 1970 and 9999
 */
export function readTimestamp(value: unknown): string | undefined {
  if (typeof value !== "string" || !usual.test(value)) return readAny(value);
  if (value.startsWith(minute) && minute !== "") return value.slice(0, 26);
  const read = readAny(value);
  if (read !== undefined) minute = read.slice(0, 17);
  return read;
}

function readAny(value: unknown): string | undefined {
  if (typeof value === "number") {
    const date = new Date(value);
    return value > 0 && isUsable(date) ? timestampOf(date) : undefined;
  }
  const parts = typeof value === "string" && value.length <= 40 ? pattern.exec(value) : null;
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0));
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC carries: the 30th of February would be the 2nd of March.
  const carried =
    local.getUTCMonth() !== month - 1 ||
    local.getUTCDate() !== day ||
    local.getUTCHours() !== hour ||
    local.getUTCMinutes() !== minute ||
    local.getUTCSeconds() !== second;
  const offset = (Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0)) * 60_000;
  const date = new Date(local.getTime() - (parts[8] === "-" ? -offset : offset));
  if (carried || !isUsable(date)) return undefined;
  const fraction = (parts[7] ?? "").padEnd(6, "0").slice(0, 6);
  return `${date.toISOString().slice(0, 19)}.${fraction}`;
}

function isUsable(date: Date): boolean {
  const time = date.getTime();
  return time >= 0 && time < Date.UTC(10_000, 0, 1);
}
