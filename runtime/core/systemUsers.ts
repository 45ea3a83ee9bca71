import { readFileSync } from "node:fs";

/** Ids of system users by name, from the text of passwd(5); those that do not exist are left out. */
export function uidsOf(names: readonly string[], passwd: string): ReadonlyMap<string, number> {
  const wanted = new Set(names);
  return new Map(
    passwd
      .split("\n")
      .map((line) => line.split(":"))
      .filter(([name = ""]) => wanted.has(name))
      .map(([name = "", , uid]): [string, number] => [name, Number(uid)]),
  );
}

/** The user that stands for those of other user namespaces (user_namespaces(7)). */
export function overflowUid(): number {
  try {
    return Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8"));
  } catch {
    // A sandboxed process does not see it (ProcSubset=pid); nobody changes the default.
    return 65_534;
  }
}
