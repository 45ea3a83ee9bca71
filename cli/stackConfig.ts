import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { type Config, loadConfig } from "../config.ts";
import { pulumiEnvironment } from "./env.ts";
import { HiveError } from "./hiveError.ts";
import { ownCheckout } from "./trial.ts";

const run = promisify(execFile);

/**
 * What the program would read of a stack: Pulumi.<stack>.yaml, wherever Pulumi finds it, and the
 * registry. Secrets stay encrypted.
 * @param exitCode of the error
 * @throws HiveError with what Pulumi or the schema says
 */
export async function readConfig(stack: string, exitCode = 1): Promise<Config> {
  try {
    const env = pulumiEnvironment(ownCheckout, stack);
    const argv = ["config", "--json", "--stack", stack, "--non-interactive"];
    const { stdout } = await run("pulumi", argv, { cwd: ownCheckout, env });
    const found = JSON.parse(stdout) as Record<string, { readonly value?: string }>;
    const values = Object.entries(found).flatMap(([key, { value }]): [string, string][] =>
      value === undefined ? [] : [[key, value]],
    );
    return loadConfig({ stack, directory: ownCheckout, values: Object.fromEntries(values) });
  } catch (fault) {
    if (fault instanceof HiveError) throw new HiveError(fault.message, exitCode);
    const { stderr, message } = fault as { stderr?: string; message: string };
    throw new HiveError(stderr?.trim() || message, exitCode);
  }
}
