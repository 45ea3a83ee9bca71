import { join } from "node:path";

import type { Command } from "commander";

import { installDaily, removeDaily } from "./drift/daily.ts";
import { notLooked } from "./drift/look.ts";
import { Memory } from "./drift/memory.ts";
import { readDrift } from "./drift/read.ts";
import { describeReport, type Report } from "./drift/report.ts";
import { pulumiEnvironment } from "./env.ts";
import { HiveError } from "./hiveError.ts";
import { openOutput } from "./output.ts";
import { ownCheckout } from "./trial.ts";

/** Exit code when something is not as it should be. */
const drifted = 1;

export function addDrift(program: Command): void {
  const drift = program
    .command("drift")
    .description(
      "what was changed by hand since the last up, on the host, in Keycloak, in PostgreSQL; changes nothing. Exit code 1: there is drift; 3: not everything could be looked at",
    )
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async ({ stack, json }: { stack: string; json?: boolean }) => {
      const output = openOutput();
      if (json !== true) output.rewrite("  looking …");
      const report = await read(stack);
      if (json === true) output.line(JSON.stringify(report, null, 2));
      else for (const line of describeReport(report, output)) output.line(line);
      process.exitCode = exitCodeOf(report);
    });
  addDaily(drift);
}

function addDaily(drift: Command): void {
  drift
    .enablePositionalOptions()
    .command("daily")
    .description("look every day, by a systemd timer of this machine; a drift makes it fail")
    .argument("<on|off>")
    .option("--at <time>", "hours and minutes", "06:30")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action((what: string, { at, stack, json }: DailyWish, command: Command) => {
      if (what !== "on" && what !== "off") {
        command.error(`error: the daily look is on or off, not ${what}`, { exitCode: 2 });
      }
      const hive = [process.execPath, join(ownCheckout, "cli", "hive.js")];
      const options = { checkout: ownCheckout, stack, at, hive, environment: process.env };
      const output = openOutput();
      if (what === "on") {
        const timer = installDaily(options);
        output.line(json === true ? JSON.stringify({ timer }) : `${output.green("✓")} ${timer}`);
      } else {
        const removed = removeDaily(options);
        const said = removed ? `${output.green("✓")} removed` : "There was none.";
        output.line(json === true ? JSON.stringify({ removed }) : said);
      }
    });
}

interface DailyWish {
  readonly at: string;
  readonly stack: string;
  readonly json?: boolean;
}

export function exitCodeOf({ drift, notSeen }: Report): number {
  if (drift.length > 0) return drifted;
  return notSeen.length > 0 ? notLooked : 0;
}

/** Whatever is wrong: it is no drift. */
async function read(stack: string): Promise<Report> {
  try {
    const env = pulumiEnvironment(ownCheckout, stack);
    const memory = new Memory(ownCheckout, stack);
    return await readDrift({ folder: ownCheckout, stack, env, memory });
  } catch (fault) {
    throw new HiveError(fault instanceof Error ? fault.message : String(fault), notLooked);
  }
}
