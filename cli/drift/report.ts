import type { Output } from "../output.ts";
import type { Evidence } from "./evidence.ts";
import { secretMark } from "./findings.ts";

/** What `hive drift --json` prints; a stable interface. */
export interface Report {
  readonly stack: string;
  /** ISO 8601. */
  readonly time: string;
  /** How many resources were looked at. */
  readonly looked: number;
  readonly drift: readonly {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    readonly id: string;
    /** null: all of it is gone. */
    readonly property: string | null;
    readonly expected: unknown;
    /** null: nothing is there. */
    readonly found: unknown;
    readonly firstSeen: string;
    /** Latest first; empty where nothing was recorded. */
    readonly recorded: readonly Evidence[];
  }[];
  readonly notSeen: readonly { readonly server: string; readonly reason: string }[];
}

/** Most lines of a text's differences. */
const mostLines = 20;

export function describeReport(report: Report, output: Output): string[] {
  const { drift, notSeen, looked } = report;
  return [
    ...drift.flatMap((finding) => [
      `${output.red("✗")} ${titleOf(finding)}`,
      ...differenceOf(finding, output).map((line) => `    ${line}`),
      ...finding.recorded.map(
        ({ when, who, source }) =>
          `    ${output.dim(`${when}${who === undefined ? "" : `  by ${who}`}  ${source}`)}`,
      ),
      `    ${output.dim(`first seen ${finding.firstSeen}`)}`,
    ]),
    ...notSeen.map(({ server, reason }) => `${output.yellow("○")} not seen: ${server}: ${reason}`),
    ...(drift.length === 0 && notSeen.length === 0
      ? [`${output.green("✓")} no drift: ${looked} resources are as the last up left them`]
      : []),
    ...(drift.length > 0 ? ["  Next: `npm run up` puts it back."] : []),
  ];
}

function titleOf({ type, name, id, property }: Report["drift"][number]): string {
  const kind = type.split(":").at(-1) ?? type;
  const shown = id === "" || id === name ? name : `${name} (${id})`;
  return property === null ? `${kind} ${shown}: gone` : `${kind} ${shown}: ${property}`;
}

function differenceOf(
  { property, expected, found }: Report["drift"][number],
  output: Output,
): string[] {
  if (property === null) return [];
  if (typeof expected === "string" && typeof found === "string") {
    if (expected === secretMark) return ["a secret is another one than it should be"];
    if (expected.includes("\n") || found.includes("\n"))
      return textDifference(expected, found, output);
  }
  return [`expected ${shown(expected)}`, `found    ${shown(found)}`];
}

function shown(value: unknown): string {
  return value === null ? "nothing" : JSON.stringify(value);
}

/** Lines that are missing and lines that are too many, in their order. */
export function textDifference(expected: string, found: string, output: Output): string[] {
  const [wanted, there] = [expected.split("\n"), found.split("\n")];
  const lines = commonLines(wanted, there, output);
  const more = lines.length - mostLines;
  return more > 0 ? [...lines.slice(0, mostLines), `… and ${more} more lines`] : lines;
}

/** By the longest common part, of texts as long as configuration files are. */
function commonLines(
  wanted: readonly string[],
  there: readonly string[],
  output: Output,
): string[] {
  let start = 0;
  while (start < wanted.length && wanted[start] === there[start]) start += 1;
  let end = 0;
  while (
    end < Math.min(wanted.length, there.length) - start &&
    wanted.at(-1 - end) === there.at(-1 - end)
  ) {
    end += 1;
  }
  const [left, right] = [
    wanted.slice(start, wanted.length - end),
    there.slice(start, there.length - end),
  ];
  return [
    ...left.map((line) => output.red(`- ${line}`)),
    ...right.map((line) => output.green(`+ ${line}`)),
  ];
}
