import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { HiveError } from "./hiveError.ts";
import type { Trial } from "./trial.ts";

/**
 * The environment of a service as its supervisor sets it: `<root>/services/<name>/env/`, a file for
 * each variable, 0600 (chpst(8), -e). Holds secrets.
 * @throws HiveError when there is none yet, or when it may not be read
 */
export function readServiceEnvironment(trial: Trial, name: string): Record<string, string> {
  const folder = join(trial.root, "services", name, "env");
  try {
    const names = readdirSync(folder).filter((file) => !file.startsWith("."));
    return Object.fromEntries(
      names.map((variable) => [variable, valueOf(readFileSync(join(folder, variable), "utf8"))]),
    );
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new HiveError(`Stack ${trial.stack} has no service ${name} yet: run \`npm run up\`.`);
    }
    if (code !== "EACCES" && code !== "EPERM") throw cause;
    const owner = trial.user ?? "another user";
    throw new HiveError(
      `The environment of ${name} is readable by ${owner} alone: run the same command with sudo.`,
    );
  }
}

/** As chpst reads it: the first line without spaces at its end; null characters are line ends. */
function valueOf(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.replace(/[ \t]+$/, "").replaceAll("\0", "\n");
}
