import type { Command } from "commander";

import { notLooked } from "./drift/look.ts";
import { Memory } from "./drift/memory.ts";
import { readDrift } from "./drift/read.ts";
import { describeReport, type Report } from "./drift/report.ts";
import { readEnvironment } from "./env.ts";
import { HiveError } from "./hiveError.ts";
import { openOutput } from "./output.ts";
import { ownCheckout } from "./trial.ts";

/** Exit code when something is not as it should be. */
const drifted = 1;

export function addDrift(program: Command): void {
  program
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
}

export function exitCodeOf({ drift, notSeen }: Report): number {
  if (drift.length > 0) return drifted;
  return notSeen.length > 0 ? notLooked : 0;
}

/** Whatever is wrong: it is no drift. */
async function read(stack: string): Promise<Report> {
  try {
    const env = { ...process.env, ...readEnvironment(ownCheckout, stack) };
    // The passphrase itself would outrank the file that belongs to this state.
    if (env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined) delete env["PULUMI_CONFIG_PASSPHRASE"];
    const memory = new Memory(ownCheckout, stack);
    return await readDrift({ folder: ownCheckout, stack, env, memory });
  } catch (fault) {
    throw new HiveError(fault instanceof Error ? fault.message : String(fault), notLooked);
  }
}
