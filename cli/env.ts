import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Command } from "commander";

import { findBackend } from "./backend.ts";
import { HiveError } from "./hiveError.ts";
import { hiveFolder, readRecord } from "./record.js";
import { readTools } from "./tools.ts";
import { ownCheckout, trialStack } from "./trial.ts";

/**
 * How much of a real host Pulumi asks about at a time. What is asked together travels together: with
 * its default, four for each processor, a refresh by SSH takes several times as many round trips.
 */
export const parallel = { PULUMI_PARALLEL: "1000" } as const;

export function addEnv(program: Command): void {
  program
    .command("env")
    .description('environment for your own pulumi: eval "$(npx hive env)" && pulumi up')
    .option("-s, --stack <name>", "the stack", trialStack)
    .option("--json", "print JSON")
    .action(({ stack, json }: { stack: string; json?: boolean }) => {
      const variables = readEnvironment(ownCheckout, stack);
      process.stdout.write(
        json === true ? `${JSON.stringify(variables, null, 2)}\n` : describeExports(variables),
      );
    });
}

/**
 * What `pulumi` needs to act on a stack as `npm run up` does.
 * @throws HiveError when there is nothing to act on yet
 */
export function readEnvironment(checkout: string, stack: string): Record<string, string> {
  const trial = stack === trialStack;
  if (trial && readRecord(checkout, stack) === undefined) {
    throw new HiveError(`Stack ${stack} is not set up in this checkout: run \`npm run up\`.`);
  }
  const tools = readTools(checkout);
  if (tools === undefined) {
    throw new HiveError("Pulumi's CLI and plugins are not prepared yet: run `npm run up`.");
  }
  const backend = findBackend(checkout, trial);
  const passphrase = join(hiveFolder(checkout), "passphrase");
  if (backend.kind === "trial" && !existsSync(passphrase)) {
    throw new HiveError(`There is no state of stack ${stack} yet: run \`npm run up\`.`);
  }
  const ownPassphrase =
    process.env["PULUMI_CONFIG_PASSPHRASE"] ?? process.env["PULUMI_CONFIG_PASSPHRASE_FILE"];
  const lent = trial && ownPassphrase === undefined && existsSync(passphrase);
  return {
    ...tools.env,
    ...(lent ? { PULUMI_CONFIG_PASSPHRASE_FILE: passphrase } : {}),
    ...backend.env,
    ...(trial ? {} : parallel),
    PULUMI_STACK: stack,
    ...(backend.kind === "trial" ? { PULUMI_OPTION_CONFIG_FILE: readOnly(checkout, stack) } : {}),
  };
}

/** The same with all of our own environment, for a `pulumi` that is started here. */
export function pulumiEnvironment(checkout: string, stack: string): NodeJS.ProcessEnv {
  const env = { ...process.env, ...readEnvironment(checkout, stack) };
  // The passphrase itself would outrank the file that belongs to this state.
  if (env["PULUMI_CONFIG_PASSPHRASE_FILE"] !== undefined) delete env["PULUMI_CONFIG_PASSPHRASE"];
  return env;
}

/** Lines for `eval`. A passphrase in the environment would outrank the file. */
export function describeExports(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  if ("PULUMI_CONFIG_PASSPHRASE_FILE" in variables) lines.push("unset PULUMI_CONFIG_PASSPHRASE");
  return `${lines.join("\n")}\n`;
}

/**
 * `pulumi up` writes the salt of its secrets into the config file if it can; the trial's is
 * committed and has to stay as it is. By this way Pulumi reads the file but cannot save it (it
 * would have to make a folder in /proc), which it ignores as long as the salt is in the state.
 * To change settings: edit the file, or `pulumi config set --config-file Pulumi.dev.yaml`.
 */
function readOnly(checkout: string, stack: string): string {
  return `/proc/self/root/..${join(checkout, `Pulumi.${stack}.yaml`)}`;
}

/** For a POSIX shell. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
