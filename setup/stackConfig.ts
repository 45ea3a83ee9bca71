import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { hiveFolder } from "../cli/record.js";

// Pulumi writes `encryptionsalt` into the stack's config file. The trial's is committed, and the
// salt is this clone's alone: our commands hand Pulumi a copy (`hive env` has a way of its own).

const saltLine = /^encryptionsalt:.*\n?/m;

/**
 * Makes the copy of the trial's config that our own commands give to Pulumi.
 * @returns its path
 */
export function copyConfig(checkout: string, stack: string): string {
  const original = join(checkout, `Pulumi.${stack}.yaml`);
  const copy = join(hiveFolder(checkout), `Pulumi.${stack}.yaml`);
  if (existsSync(original)) copyFileSync(original, copy);
  else writeFileSync(copy, "config: {}\n");
  return copy;
}

/** Takes the salt out of the committed file again, unless secrets in it depend on it. */
export function removeSalt(checkout: string, stack: string): void {
  const path = join(checkout, `Pulumi.${stack}.yaml`);
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8");
  if (!saltLine.test(text) || /^\s+secure:/m.test(text)) return;
  writeFileSync(path, text.replace(saltLine, ""));
}
