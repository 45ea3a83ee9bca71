import { createHash } from "node:crypto";

import type { Command } from "commander";
import type pg from "pg";

import { withCoreDatabase } from "./coreDatabase.ts";
import { HiveError } from "./hiveError.ts";
import { neutralise } from "./logLine.ts";
import { openOutput, type Output } from "./output.ts";
import { findTrial, type Trial } from "./trial.ts";

export interface AuditLogOptions {
  readonly tail?: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly address: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** What the hash covers, besides the hash before it. */
  readonly content: string;
  readonly previous: Buffer;
  readonly hash: Buffer;
}

/** Rows without --tail, its bound, and those read at a time. */
const few = 50;
const many = 10_000;

/** The content is put together here, not by a function of the database that could be replaced. */
const columns = `id, at_text AS at, action, actor, subject, address, details, previous, hash,
  jsonb_build_array(id, at_text, action, actor, subject, address, details)::text AS content`;

const rows = `(SELECT *, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at_text
  FROM audit_log) AS audit`;

export function addAuditLog(program: Command): void {
  // There may be another kind of audit already, whose options are not this one's.
  const audit =
    program.commands.find((command) => command.name() === "audit") ??
    program.command("audit").description("what happened to sessions, tokens and keys");
  audit
    .enablePositionalOptions()
    .command("log")
    .description("the audit trail, oldest row first; reads core's database itself")
    .option("-n, --tail <rows>", `at most ${many}; default ${few}`)
    .option("--verify", "look for rows that were changed or are missing; exit code 1 if there are")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print one JSON object a row")
    .action(async (options: AuditLogOptions & { stack: string }) => {
      await showAuditLog(findTrial(options.stack), options);
    });
}

/** @throws HiveError with one sentence, also when --verify finds something */
export async function showAuditLog(
  trial: Trial,
  options: AuditLogOptions,
  output: Output = openOutput(),
): Promise<void> {
  const count = parseTail(options.tail ?? String(few));
  await withCoreDatabase(trial, async ({ client }) => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (options.verify === true) output.line(await verify(client));
    else for (const row of await readTail(client, count)) output.line(describe(row, options));
  });
}

async function readTail(client: pg.Client, count: number): Promise<AuditRow[]> {
  const found = await client.query<AuditRow>(
    `SELECT ${columns} FROM ${rows} ORDER BY id DESC LIMIT $1`,
    [count],
  );
  return found.rows.reverse();
}

/**
 * Walks the chain from its first row to the head.
 * @returns a sentence when it is whole
 * @throws HiveError that names the first row at fault
 */
async function verify(client: pg.Client): Promise<string> {
  let last = 0;
  let hash: Buffer = Buffer.alloc(0);
  let page: AuditRow[];
  do {
    ({ rows: page } = await client.query<AuditRow>(
      `SELECT ${columns} FROM ${rows} WHERE id > $1 ORDER BY id LIMIT ${many}`,
      [last],
    ));
    for (const row of page) {
      if (Number(row.id) !== last + 1) throw new HiveError(`Row ${last + 1} is missing.`);
      const expected = createHash("sha256").update(hash).update(row.content).digest();
      if (!row.previous.equals(hash) || !row.hash.equals(expected)) {
        throw new HiveError(`Row ${row.id} was changed, or one before it.`);
      }
      [last, hash] = [Number(row.id), row.hash];
    }
  } while (page.length === many);
  const head = await client.query<{ id: string; hash: Buffer }>("SELECT id, hash FROM audit_head");
  const end = head.rows[0];
  if (end === undefined) throw new HiveError("The head of the audit trail is missing.");
  if (Number(end.id) > last) throw new HiveError(`Row ${last + 1} is missing, and what followed.`);
  if (!end.hash.equals(hash)) throw new HiveError(`Row ${last} was changed, and what followed.`);
  return `The audit trail is whole: ${last} rows, the last has the hash ${hash.toString("hex")}.`;
}

function describe(row: AuditRow, { json }: AuditLogOptions): string {
  const { id, at, action, actor, subject, address, details } = row;
  if (json === true) {
    const hash = row.hash.toString("hex");
    return neutralise(
      JSON.stringify({ id: Number(id), at, action, actor, subject, address, details, hash }),
    );
  }
  const from = address === null ? "" : ` from ${address}`;
  const more = Object.keys(details).length === 0 ? "" : ` ${JSON.stringify(details)}`;
  const text = `${at}  ${action.padEnd(22)}  ${actor ?? "-"} → ${subject ?? "-"}${from}${more}`;
  return neutralise(text).replaceAll("\n", " ");
}

/** @throws HiveError */
function parseTail(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= many) return count;
  throw new HiveError(`--tail needs a number from 1 to ${many}.`, 2);
}
