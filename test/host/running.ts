import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Running {
  readonly pid: number;
  readonly cwd: string;
  readonly argv: string;
}

/** Every live process whose working directory or arguments lie in the folder. */
export function processesIn(folder: string): Running[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        const cwd = execFileSync("readlink", [`/proc/${name}/cwd`], { encoding: "utf8" });
        const ours = argv.includes(folder) || cwd.startsWith(folder);
        return ours && argv !== "" ? [{ pid: Number(name), cwd: cwd.trim(), argv }] : [];
      } catch {
        return [];
      }
    });
}

/** The dead that nobody has waited for have no arguments any more. */
export function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

/** Looks until it is good. @throws Error after 15 s */
export async function eventually<T>(
  look: () => T | Promise<T>,
  good: (value: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const value = await look();
    if (good(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)} after 15 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
