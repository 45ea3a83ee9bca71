import { setTimeout } from "node:timers/promises";

import type { Command } from "commander";

import { HiveError } from "./hiveError.ts";
import { type Filter, type Level, LogDatabase, type LogEntry, levels } from "./logDatabase.ts";
import { describeEntry, describeJson } from "./logLine.ts";
import { openOutput, type Output } from "./output.ts";
import { readServiceEnvironment } from "./serviceEnvironment.ts";
import { findNearest, findTrial, listServices, type Trial } from "./trial.ts";
import { findRealStack, isRealStack, readJournal } from "./units.ts";

export interface LogsOptions {
  readonly tail?: string;
  readonly level?: string;
  readonly since?: string;
  readonly grep?: string;
  readonly trace?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** The logger's name in the registry (contract 3). */
const logger = "helm";

/** Lines without --since, and the bound of --tail. */
const few = 50;
const many = 10_000;

/** Milliseconds between two looks for new lines. */
const pause = 500;

export function addLogs(program: Command): void {
  program
    .command("logs")
    .description("the platform's log, oldest line first; reads the logger's database itself")
    .argument("[service]", "lines of this service only")
    .option("-n, --tail <lines>", `at most ${many}; default ${few}, with --since ${many}`)
    .option("-l, --level <level>", `this level and above: ${levels.join(", ")}`)
    .option("--since <time>", "15m, 2h, 1d, or a time as in 2026-01-31T08:00")
    .option("-g, --grep <text>", "lines whose message has this text, in any case")
    .option("-t, --trace <id>", "lines of this request, of every service")
    .option("-f, --follow", "go on with new lines until Ctrl-C")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print one JSON object a line")
    .action(async (service: string | undefined, options: LogsOptions & { stack: string }) => {
      // Whoever reads may have seen enough: hive logs | head
      process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
        process.exit(code === "EPIPE" ? 0 : 1);
      });
      if (isRealStack(options.stack)) {
        findRealStack(options.stack);
        const { tail, stack, ...others } = options;
        if (Object.keys(others).length > 0) {
          throw new HiveError(
            "Of a real host `hive logs` shows the journal's end: only --tail.",
            2,
          );
        }
        const lines = parseTail(tail ?? String(few));
        process.stdout.write(`${await readJournal(stack, service, lines)}\n`);
        return;
      }
      await showLogs(findTrial(options.stack), service, options);
    });
}

/** What is not the command line's: where lines go, the clock, and what ends --follow. */
export interface LogsContext {
  readonly output?: Output;
  /** For sentences about the lines. */
  readonly tell?: (sentence: string) => void;
  readonly now?: () => Date;
  readonly signal?: AbortSignal;
}

/** @throws HiveError with one sentence, also when the database goes away during --follow */
export async function showLogs(
  trial: Trial,
  service: string | undefined,
  options: LogsOptions,
  context: LogsContext = {},
): Promise<void> {
  const { output = openOutput(), now = () => new Date(), signal } = context;
  const tell = context.tell ?? ((sentence) => process.stderr.write(`${sentence}\n`));
  const count = parseTail(options.tail ?? String(options.since === undefined ? few : many));
  const filter: Filter = {
    service,
    level: options.level === undefined ? undefined : parseLevel(options.level),
    since: options.since === undefined ? undefined : parseSince(options.since, now()),
    text: options.grep,
    trace: options.trace,
  };
  const database = await LogDatabase.open(readServiceEnvironment(trial, logger));
  try {
    if (service !== undefined) await checkService(trial, database, service);
    let width = 0;
    const show = (entries: readonly LogEntry[]): void => {
      width = Math.max(width, ...entries.map(({ service_name }) => service_name.length));
      for (const entry of entries) {
        const look = { now: now(), width };
        output.line(
          options.json === true ? describeJson(entry) : describeEntry(entry, output, look),
        );
      }
    };
    let { entries, position } = await database.tail(filter, count);
    show(entries);
    if (entries.length === 0) tell(describeNothing(filter, options.follow === true));
    while (options.follow === true && (await waited(signal))) {
      ({ entries, position } = await database.next(filter, position));
      show(entries);
    }
  } finally {
    await database.close();
  }
}

/** @returns false when it was ended */
async function waited(signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await setTimeout(pause, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

async function checkService(trial: Trial, database: LogDatabase, name: string): Promise<void> {
  const running = listServices(trial);
  if (running.includes(name)) return;
  const known = [...new Set([...running, ...(await database.services())])].sort();
  if (known.includes(name)) return;
  const nearest = findNearest(name, known);
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new HiveError(`There is no service ${name}.${hint} There are: ${known.join(", ")}.`, 2);
}

function describeNothing(filter: Filter, follow: boolean): string {
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const found = filtered ? "No line matches so far" : "There are no lines yet";
  return follow ? `${found}; waiting for the first.` : `${found}.`;
}

/** @throws HiveError */
export function parseTail(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= many) return count;
  throw new HiveError(`--tail needs a number from 1 to ${many}.`, 2);
}

/** In any case. @throws HiveError */
export function parseLevel(text: string): Level {
  const level = levels.find((known) => known === text.toUpperCase());
  if (level !== undefined) return level;
  throw new HiveError(`--level needs one of ${levels.join(", ")}.`, 2);
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/**
 * @param text a span back from now, or a time; one without a zone is of this machine
 * @throws HiveError
 */
export function parseSince(text: string, now: Date): Date {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text;
  const time =
    amount === undefined
      ? new Date(/^\d{4}-\d\d-\d\dT/.test(date) ? date : Number.NaN)
      : new Date(now.getTime() - Number(amount) * units[unit as keyof typeof units] * 1000);
  // PostgreSQL's timestamps begin and end elsewhere; no log is that old.
  if (time.getTime() >= 0) return time;
  throw new HiveError(
    "--since needs a span such as 15m, 2h or 1d, or a time: 2026-01-31T08:00.",
    2,
  );
}
