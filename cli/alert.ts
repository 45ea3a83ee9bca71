import { setTimeout } from "node:timers/promises";

import type { Command } from "commander";
import type pg from "pg";

import { HiveError } from "./hiveError.ts";
import { neutralise } from "./logLine.ts";
import { openOutput } from "./output.ts";
import { databaseClient } from "./serviceDatabase.ts";
import { readServiceEnvironment } from "./serviceEnvironment.ts";
import { findTrial, type Trial } from "./trial.ts";

/** An alert that is raised. */
export interface ActiveAlert {
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  /** ISO 8601 in UTC. */
  readonly raised_at: string;
}

/** How a channel took a test. */
export interface TestResult {
  readonly channel: string;
  /** null: it was told. */
  readonly fault: string | null;
}

/** Milliseconds that the logger has to tell every channel, and between two looks. */
const patience = 60_000;
const pause = 250;

export function addAlert(program: Command): void {
  const alert = program.command("alert").description("what is wrong, and who is told");
  alert
    .command("list", { isDefault: true })
    .description("alerts that are raised; exit code 3 if there are any")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async ({ stack, json }: { stack: string; json?: boolean }) => {
      const alerts = await listAlerts(findTrial(stack));
      const output = openOutput();
      if (json === true) output.line(JSON.stringify(alerts, null, 2));
      else if (alerts.length === 0) output.line("No alert.");
      else for (const one of alerts) output.line(output.red(describeAlert(one)));
      if (alerts.length > 0) process.exitCode = 3;
    });
  alert
    .command("test")
    .description("tell every channel that this is a test; exit code 1 if one fails")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async ({ stack, json }: { stack: string; json?: boolean }) => {
      const results = await testChannels(findTrial(stack));
      const output = openOutput();
      if (json === true) output.line(JSON.stringify(results, null, 2));
      else
        for (const { channel, fault } of results) {
          const line = `${channel}: ${fault === null ? "told" : neutralise(fault)}`;
          output.line(fault === null ? output.green(line) : output.red(line));
        }
      if (results.some(({ fault }) => fault !== null)) process.exitCode = 1;
    });
}

export function describeAlert({ rule, subject, message, raised_at: since }: ActiveAlert): string {
  return neutralise(`${rule} ${subject}: ${message} (since ${since})`);
}

/** @throws HiveError when the logger's database does not answer */
export async function listAlerts(trial: Trial): Promise<ActiveAlert[]> {
  return await ask(trial, async (client) => {
    const { rows } = await client.query<ActiveAlert>(
      `SELECT rule, subject, message,
         to_char(raised_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS raised_at
       FROM alerts WHERE cleared_at IS NULL ORDER BY id`,
    );
    return rows;
  });
}

/**
 * Leaves a test with the logger, which alone knows the channels and their secrets, and waits until
 * each of them was tried.
 * @throws HiveError when there is no channel, or the logger does not do it
 */
export async function testChannels(trial: Trial, wait = patience): Promise<TestResult[]> {
  return await ask(trial, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO alerts (rule, subject, message, raised_at, cleared_at, pending)
       VALUES ('test', 'hive', 'This is a test; nothing is wrong.', now(), now(), '{*}')
       RETURNING id`,
    );
    for (const end = Date.now() + wait; ;) {
      const found = await client.query<{
        pending: string[];
        told: string[];
        faults: Record<string, string>;
      }>("SELECT pending, told, faults FROM alerts WHERE id = $1", [rows[0]?.id]);
      const { pending = [], told = [], faults = {} } = found.rows[0] ?? {};
      const tried = pending.every((channel) => Object.hasOwn(faults, channel));
      if (tried) {
        // A test is not told later, when nobody waits for it.
        await client.query("UPDATE alerts SET pending = '{}' WHERE id = $1", [rows[0]?.id]);
        const failed = pending.map((channel) => ({ channel, fault: faults[channel] ?? null }));
        const all = [...told.map((channel) => ({ channel, fault: null })), ...failed];
        if (all.length > 0) return all.sort((a, b) => a.channel.localeCompare(b.channel));
        throw new HiveError(
          "No channel is configured: see hivematrix:logger in docs/Pulumi.prod.yaml.",
        );
      }
      if (Date.now() > end) {
        throw new HiveError("The logger did not try its channels: `npx hive status` tells more.");
      }
      await setTimeout(pause);
    }
  });
}

async function ask<T>(trial: Trial, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = databaseClient(readServiceEnvironment(trial, "helm"), "The logger", {
    application_name: "hive alert",
    statement_timeout: 10_000,
  });
  try {
    await client.connect();
    return await work(client);
  } catch (fault) {
    if (fault instanceof HiveError) throw fault;
    throw new HiveError(
      "The logger's database does not answer: `npx hive status` tells what runs.",
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
