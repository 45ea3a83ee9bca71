import { Command, CommanderError } from "commander";

import { addAlert } from "./alert.ts";
import { addApp } from "./app.ts";
import { addAudit } from "./audit.ts";
import { addAuditLog } from "./auditLog.ts";
import { addCurl } from "./curl.ts";
import { addDrift } from "./drift.ts";
import { addEnv } from "./env.ts";
import { addFirewall } from "./firewall.ts";
import { addLogs } from "./logs.ts";
import { addReconfigure } from "./reconfigure.ts";
import { addRestart } from "./restart.ts";
import { addRotate } from "./rotate.ts";
import { addStart } from "./start.ts";
import { addStatus } from "./status.ts";
import { addStop } from "./stop.ts";
import { addToken } from "./token.ts";
import { addUser } from "./user.ts";

const program = new Command("hive")
  .description(
    "HiveMatrix, the day after `npm run up`. Deploying is Pulumi's: npm run up, or pulumi up.",
  )
  // What stands behind a sub-word is its own, also where its parent has an option of that name.
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .exitOverride();
for (const add of [
  addEnv,
  addStatus,
  addDrift,
  addStart,
  addStop,
  addRestart,
  addLogs,
  addUser,
  addReconfigure,
  addToken,
  addCurl,
  addRotate,
  addFirewall,
  addAudit,
  addApp,
  addAuditLog,
  addAlert,
]) {
  add(program);
}
for (const command of program.commands) {
  for (const each of [command, ...command.commands]) each.exitOverride();
}

try {
  await program.parseAsync();
} catch (fault) {
  // Commander has printed its own.
  if (!(fault instanceof CommanderError)) {
    process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`);
  }
  const { exitCode = 1 } = fault as { exitCode?: number };
  process.exitCode = fault instanceof CommanderError && exitCode !== 0 ? 2 : exitCode;
}
