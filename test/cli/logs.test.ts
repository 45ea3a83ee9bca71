import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import type { LogEntry } from "../../cli/logDatabase.ts";
import { describeEntry, describeJson, describeTime, neutralise } from "../../cli/logLine.ts";
import {
  type LogsContext,
  type LogsOptions,
  parseLevel,
  parseSince,
  parseTail,
  showLogs,
} from "../../cli/logs.ts";
import type { Output } from "../../cli/output.ts";
import { openOutput } from "../../cli/output.ts";
import { writeRecord } from "../../cli/record.js";
import { readServiceEnvironment } from "../../cli/serviceEnvironment.ts";
import { findTrial, type Trial } from "../../cli/trial.ts";
import { migrate } from "../../runtime/kernel/migrations.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const checkout = dirname(dirname(import.meta.dirname));
const now = new Date("2026-03-10T12:00:00Z");

const entry: LogEntry = {
  id: 7,
  timestamp: "2026-03-10T11:59:58.123456Z",
  service_name: "core",
  level: "INFO",
  message: "ready",
  context: null,
  trace_id: null,
  user_id: null,
};

function record(): Output & { readonly lines: string[] } {
  const lines: string[] = [];
  const same = (text: string): string => text;
  return {
    lines,
    line: (text) => lines.push(text),
    rewrite: () => undefined,
    green: same,
    red: same,
    yellow: same,
    blue: same,
    dim: same,
  };
}

describe("a line of the log", () => {
  const show = (changes: Partial<LogEntry>, output: Output = record()): string =>
    describeEntry({ ...entry, ...changes }, output, { now, width: 6 });

  it("has local time, service, level and message in columns", () => {
    const time = describeTime(new Date(entry.timestamp), now);
    expect(show({})).to.equal(`${time}  core    INFO      ready`);
    expect(time).to.match(/^\d\d:\d\d:\d\d\.123$/);
  });

  it("has the date when it is not of today", () => {
    const other = new Date(2026, 1, 3, 4, 5, 6, 7);
    expect(describeTime(other, now)).to.equal("2026-02-03 04:05:06.007");
  });

  it("is coloured by its level, and only on a terminal", () => {
    const stream = { isTTY: true, write: () => true } as unknown as NodeJS.WriteStream;
    const live = openOutput(stream, { TERM: "xterm" });
    const codes = { ERROR: 31, CRITICAL: 31, WARNING: 33, INFO: 32, DEBUG: 34 };
    for (const [level, code] of Object.entries(codes)) {
      expect(show({ level }, live)).to.contain(
        `\u001b[${String(code)}m${level.padEnd(8)}\u001b[0m`,
      );
    }
    const piped = openOutput({ ...stream, isTTY: false } as unknown as NodeJS.WriteStream, {});
    expect(show({ level: "ERROR" }, piped)).not.to.contain("\u001b");
  });

  it("cannot act on the terminal or pretend to be another line", () => {
    const forged = "GET /\u001b[2J\u001b]0;title\u0007\r12:00:00.000  core  INFO  fine\n12:00  x";
    const text = show({ message: forged, service_name: "a\u001b[1A" });

    expect(text).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(text).to.contain("\\u001b[2J\\u001b]0;title\\u0007\\u000d12:00");
    expect(text.split("\n")[1]).to.equal("  | 12:00  x");
    expect(neutralise("\u001b[36mGET /\u001b[0m")).to.equal("GET /");
    expect(neutralise("\u202egnp.exe\u009b31m")).to.equal("\\u202egnp.exe\\u009b31m");
  });

  it("is one JSON object a line, harmless too", () => {
    const message = "a\nb\u001b[31m\u009b2J\u2028";
    const text = describeJson({ ...entry, message, context: { path: "/" } });

    expect(text).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028]/);
    expect(JSON.parse(text)).to.deep.equal({ ...entry, message, context: { path: "/" } });
  });
});

describe("options of hive logs", () => {
  it("--tail is bounded", () => {
    expect([parseTail("1"), parseTail("10000")]).to.deep.equal([1, 10_000]);
    for (const text of ["0", "10001", "-1", "1.5", "many", ""]) {
      expect(() => parseTail(text), text).to.throw("--tail needs a number from 1 to 10000.");
    }
  });

  it("--level is one of five, in any case", () => {
    expect(parseLevel("warning")).to.equal("WARNING");
    expect(() => parseLevel("loud")).to.throw(
      "--level needs one of DEBUG, INFO, WARNING, ERROR, CRITICAL.",
    );
  });

  it("--since is a span back or a time", () => {
    const ago = (text: string): number => now.getTime() - parseSince(text, now).getTime();
    expect(["30s", "15m", "2h", "1d"].map(ago)).to.deep.equal([
      30_000, 900_000, 7_200_000, 86_400_000,
    ]);
    expect(parseSince("2026-03-09T10:00:00Z", now).toISOString()).to.equal(
      "2026-03-09T10:00:00.000Z",
    );
    expect(parseSince("2026-03-09", now)).to.deep.equal(new Date(2026, 2, 9));
    for (const text of ["yesterday", "15", "5w", "", "2026-13-01T00:00", "999999999d"]) {
      expect(() => parseSince(text, now), text).to.throw("--since needs a span such as 15m");
    }
  });
});

describe("a service's environment", () => {
  let trial: Trial;

  beforeEach(() => {
    trial = makeTrial();
  });

  afterEach(() => {
    rmSync(trial.checkout, { recursive: true });
  });

  it("is read as chpst reads it", () => {
    write(trial, { A: "plain\n", B: "one\0two\n", C: "first \t\nsecond\n", D: "", E: "no end" });
    expect(readServiceEnvironment(trial, "helm")).to.deep.equal({
      A: "plain",
      B: "one\ntwo",
      C: "first",
      D: "",
      E: "no end",
    });
  });

  it("is missing before the first up", () => {
    expect(() => readServiceEnvironment(trial, "helm")).to.throw(
      "Stack dev has no service helm yet: run `npm run up`.",
    );
  });
});

describe("hive logs", function () {
  this.timeout(60_000);
  let trial: Trial;
  let database: TestDatabase;

  before(async () => {
    database = await createDatabase();
    await migrate(database.pool, new URL("../../runtime/logger/migrations/", import.meta.url));
  });

  beforeEach(async () => {
    trial = makeTrial();
    await database.pool.query("TRUNCATE log_entries");
    const { host, port, database: name, user, password } = database;
    write(trial, {
      DB_HOST: host,
      DB_PORT: String(port),
      DB_NAME: name,
      DB_USER: user,
      DB_PASSWORD: password,
    });
  });

  afterEach(() => {
    rmSync(trial.checkout, { recursive: true });
  });

  async function insert(message: string, changes: Partial<LogEntry> = {}): Promise<void> {
    const { timestamp, service_name, level } = { ...entry, ...changes };
    await database.pool.query(
      "INSERT INTO log_entries (timestamp, service_name, level, message, context) VALUES ($1, $2, $3, $4, $5)",
      [timestamp.replace("Z", ""), service_name, level, message, { path: "/" }],
    );
  }

  async function logs(
    options: LogsOptions = {},
    service?: string,
    context: LogsContext = {},
  ): Promise<{ messages: string[]; told: string[] }> {
    const output = record();
    const told: string[] = [];
    const tell = (sentence: string): unknown => told.push(sentence);
    const all = { output, tell, now: () => now, ...context };
    await showLogs(trial, service, { json: true, ...options }, all);
    const messages = output.lines.map((line) => (JSON.parse(line) as LogEntry).message);
    return { messages, told };
  }

  const minute = (minutes: number): string => `2026-03-10T11:${String(minutes)}:00.000000Z`;

  it("shows the last lines, oldest first, whatever order they came in", async () => {
    await insert("third", { timestamp: minute(30) });
    await insert("first", { timestamp: minute(10) });
    await insert("second", { timestamp: minute(20) });
    expect((await logs()).messages).to.deep.equal(["first", "second", "third"]);
    expect((await logs({ tail: "2" })).messages).to.deep.equal(["second", "third"]);
  });

  it("filters by service, level and time", async () => {
    for (const level of ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]) {
      await insert(level, { level, timestamp: minute(20) });
    }
    await insert("later", { service_name: "nexus", timestamp: minute(50) });
    expect((await logs({ level: "warning" })).messages).to.deep.equal([
      "WARNING",
      "ERROR",
      "CRITICAL",
    ]);
    expect((await logs({}, "nexus")).messages).to.deep.equal(["later"]);
    expect((await logs({ since: "15m" })).messages).to.deep.equal(["later"]);
    expect((await logs({ since: "2026-03-10T11:20:00Z" })).messages).to.have.length(6);
  });

  it("filters by text, taken as it is, and by request in either form of its number", async () => {
    await insert("100% of Äpfel_a", { timestamp: minute(20) });
    await insert("1000 of apfelXa", { timestamp: minute(30) });
    const uuid = "5b8efff7-9803-8103-d269-b633813fc60c";
    await database.pool.query("UPDATE log_entries SET trace_id = $1 WHERE message LIKE '1000%'", [
      uuid,
    ]);
    expect((await logs({ grep: "0% OF" })).messages).to.deep.equal(["100% of Äpfel_a"]);
    expect((await logs({ grep: "l_a" })).messages).to.deep.equal(["100% of Äpfel_a"]);
    for (const trace of [uuid, uuid.replaceAll("-", "")]) {
      expect((await logs({ trace })).messages).to.deep.equal(["1000 of apfelXa"]);
    }
    expect((await logs({ trace: "other" })).told).to.deep.equal(["No line matches so far."]);
  });

  it("gives the stored line as JSON", async () => {
    await insert("x");
    const output = record();
    await showLogs(trial, undefined, { json: true }, { output });
    const line = JSON.parse(output.lines[0] ?? "") as LogEntry;
    expect(line.id).to.be.a("number");
    expect(line).to.deep.equal({ ...entry, message: "x", context: { path: "/" }, id: line.id });
  });

  it("knows services that have lines, and those of the trial; names the nearest", async () => {
    await insert("x", { service_name: "gone" });
    expect((await logs({}, "gone")).messages).to.deep.equal(["x"]);
    const { messages, told } = await logs({}, "helm");
    expect({ messages, told }).to.deep.equal({ messages: [], told: ["No line matches so far."] });
    const fault = await failure(logs({}, "gonne"));
    expect(fault.message).to.equal(
      "There is no service gonne. Did you mean gone? There are: gone, helm.",
    );
    expect(fault.exitCode).to.equal(2);
  });

  it("says that there are no lines yet", async () => {
    expect((await logs()).told).to.deep.equal(["There are no lines yet."]);
  });

  it("follows: what came is shown once and in its order, also what was committed late", async () => {
    const end = new AbortController();
    const output = record();
    await insert("before");
    const late = await database.pool.connect();
    await late.query("BEGIN");
    await late.query(
      `INSERT INTO log_entries (id, timestamp, service_name, level, message)
       VALUES (log_numbers(1), now(), 'core', 'ERROR', 'late')`,
    );
    const options = { json: true, follow: true, level: "info" };
    const context = { output, signal: end.signal, now: () => now };
    const shown = showLogs(trial, undefined, options, context);
    await until(() => output.lines.length === 1);
    await insert("after");
    await insert("not asked for", { level: "DEBUG" });
    await late.query("COMMIT");
    late.release();
    await until(() => output.lines.length === 3);
    await insert("last");
    await until(() => output.lines.length === 4);
    end.abort();
    await shown;
    const messages = output.lines.map((line) => (JSON.parse(line) as LogEntry).message);
    expect(messages).to.deep.equal(["before", "late", "after", "last"]);
  });

  it("says in one sentence what is wrong with the database, and no secret", async () => {
    const away = "The logger's database does not answer: `npx hive status` tells what runs.";
    write(trial, { DB_PORT: "1" });
    expect((await failure(logs())).message).to.equal(away);
    write(trial, { DB_PORT: String(database.port), DB_PASSWORD: "wrong-password" });
    expect((await failure(logs())).message).to.equal(
      "The database refuses the logger's password: run `npm run up`.",
    );
    const empty = await createDatabase();
    write(trial, {
      DB_NAME: empty.database,
      DB_USER: empty.user,
      DB_PASSWORD: empty.password,
    });
    expect((await failure(logs())).message).to.contain("The logger has not been ready yet");
  });

  it("ends with one sentence when the database goes away while it follows", async () => {
    const output = record();
    await insert("before");
    const shown = showLogs(trial, undefined, { json: true, follow: true }, { output });
    await until(() => output.lines.length === 1);
    await database.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hive logs'",
    );
    expect((await failure(shown)).message).to.contain("does not answer");
  });

  it("explains itself and refuses odd options with exit code 2", () => {
    const hive = (...args: string[]) =>
      spawnSync(process.execPath, [join(checkout, "cli", "hive.js"), "logs", ...args], {
        encoding: "utf8",
      });
    const help = hive("--help").stdout;
    for (const option of [
      "--tail",
      "--level",
      "--follow",
      "--since",
      "--grep",
      "--trace",
      "--json",
    ]) {
      expect(help).to.contain(option);
    }
    expect(hive("--nothing").status).to.equal(2);
    const { status, stderr } = hive("--stack", "nowhere");
    expect(status).to.equal(1);
    expect(stderr.trim().split("\n")).to.have.length(1);
  });
});

function makeTrial(): Trial {
  const folder = mkdtempSync(join(tmpdir(), "hive-logs-"));
  writeRecord(folder, "dev", { root: join(folder, "data") });
  mkdirSync(join(folder, "data", "service", "helm"), { recursive: true });
  return findTrial("dev", folder);
}

function write(trial: Trial, variables: Readonly<Record<string, string>>): void {
  const folder = join(trial.root, "services", "helm", "env");
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(variables)) {
    writeFileSync(join(folder, name), value, { mode: 0o600 });
  }
}

async function failure(work: Promise<unknown>): Promise<Error & { exitCode?: number }> {
  return await work.then(
    () => expect.fail("it did not fail"),
    (fault: unknown) => fault as Error,
  );
}

async function until(look: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!look()) {
    if (Date.now() > deadline) throw new Error("not within 15 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
