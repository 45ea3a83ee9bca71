import { lstatSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { HiveError } from "./hiveError.ts";
import { type Ports, ports } from "../ports.js";
import { configuredPortBase, readRecord } from "./record.js";

/** The trial of a checkout, as its record and its folder show it; needs neither state nor passphrase. */
export interface Trial {
  readonly checkout: string;
  readonly stack: string;
  /** Folder of everything the trial put on this machine. */
  readonly root: string;
  /** System user of its processes; undefined: whoever ran `up`. */
  readonly user: string | undefined;
  readonly ports: Ports;
}

export const ownCheckout = dirname(import.meta.dirname);

/** The stack that is the trial; every other one is a real host. */
export const trialStack = "dev";

/**
 * @param checkout default: the one this file lies in
 * @throws HiveError when nothing was set up, somebody else did, or it is a real host
 */
export function findTrial(stack: string, checkout = ownCheckout): Trial {
  const record = readRecord(checkout, stack);
  if (record?.root === undefined) {
    throw new HiveError(`Stack ${stack} is not set up in this checkout: run \`npm run up\`.`);
  }
  if (stack !== trialStack) {
    throw new HiveError(
      `This works on the trial only, not on the real host of stack ${stack} yet: there \`hive\` has status, logs, start, stop, restart.`,
      2,
    );
  }
  const portBase = configuredPortBase(checkout, stack) ?? record.portBase;
  return { checkout, stack, root: record.root, user: record.user, ports: ports(portBase) };
}

/** Folder of runit's service links. */
export function supervised({ root }: Trial): string {
  return join(root, "service");
}

/** Names of the services, in alphabetical order; none before the first `up` has come so far. */
export function listServices(trial: Trial): string[] {
  try {
    return readdirSync(supervised(trial))
      .filter((name) => !name.startsWith(".") && isService(join(supervised(trial), name)))
      .sort();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw notAllowed(fault);
  }
}

/**
 * @param names what the user typed; none means all
 * @throws HiveError naming the nearest
 */
export function chooseServices(trial: Trial, names: readonly string[]): string[] {
  const known = listServices(trial);
  if (known.length === 0) {
    throw new HiveError(`Stack ${trial.stack} has no services yet: run \`npm run up\`.`);
  }
  for (const name of names) {
    if (known.includes(name)) continue;
    const nearest = findNearest(name, known);
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    throw new HiveError(`There is no service ${name}.${hint} There are: ${known.join(", ")}.`, 2);
  }
  return names.length === 0 ? known : [...new Set(names)];
}

/** The known name with the fewest changes, if at most half of it changes. */
export function findNearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((other) => ({ other, changes: countChanges(name, other) }))
    .filter(({ other, changes }) => changes <= other.length / 2)
    .sort((one, two) => one.changes - two.changes);
  return ranked[0]?.other;
}

/** Levenshtein distance. */
function countChanges(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(two).entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function isService(path: string): boolean {
  const found = lstatSync(path);
  return found.isSymbolicLink() || found.isDirectory();
}

function notAllowed(fault: unknown): Error {
  if ((fault as NodeJS.ErrnoException).code !== "EACCES") return fault as Error;
  return new HiveError("This trial was made by another user: run the same command with sudo.");
}
