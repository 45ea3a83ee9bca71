import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { resolveHome } from "../layout.js";

const prefix = ".unfinished-";

/** A fresh folder on the file system of the PULUMI_HOME, for something unfinished. */
export function makeTemporary(): string {
  mkdirSync(resolveHome(), { recursive: true });
  return mkdtempSync(join(resolveHome(), prefix));
}

/** Removes what interrupted runs left behind. Only for the holder of the lock. */
export function removeTemporary(): void {
  const home = resolveHome();
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home).filter((entry) => entry.startsWith(prefix))) {
    rmSync(join(home, name), { recursive: true, force: true });
  }
}

/** Puts a finished folder into its place, instead of what is there. */
export function placeDirectory(finished: string, place: string): void {
  mkdirSync(dirname(place), { recursive: true });
  rmSync(place, { recursive: true, force: true });
  renameSync(finished, place);
}
