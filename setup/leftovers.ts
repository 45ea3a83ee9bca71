import { readdirSync, readFileSync } from "node:fs";

import { SetupError } from "./setupError.ts";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** Milliseconds a process gets; services drain for 10 s. */
const patience = 15_000;

/**
 * Ends what a killed `npm run dev` left: it would keep the ports.
 * @param script path of setup/dev.ts; processes below a living one are none
 * @param mains paths of the services' main.ts
 * @throws SetupError when another `npm run dev` has one of them under way
 */
export async function endLeftovers(script: string, mains: readonly string[]): Promise<void> {
  const start = Date.now();
  for (;;) {
    const all = listProcesses();
    const left = [...all.values()].filter(({ argv }) => mains.some((main) => argv.includes(main)));
    if (left.length === 0) return;
    for (const { pid } of left) {
      const owner = ownerOf(all, pid, script);
      if (owner === undefined || owner === process.pid) continue;
      throw new SetupError(`\`npm run dev\` runs already (process ${owner}): end it first.`);
    }
    const late = Date.now() - start > patience;
    for (const { pid } of left) send(pid, late ? "SIGKILL" : "SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** @returns pid of the `npm run dev` that a process belongs to */
function ownerOf(
  all: ReadonlyMap<number, Process>,
  pid: number,
  script: string,
): number | undefined {
  const found = all.get(pid);
  if (found === undefined) return undefined;
  return found.argv.includes(script) ? pid : ownerOf(all, found.parent, script);
}

function listProcesses(): Map<number, Process> {
  const found = readdirSync("/proc").flatMap((entry): Process[] => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      const status = readFileSync(`/proc/${entry}/status`, "utf8");
      const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
      return [{ pid: Number(entry), parent, argv }];
    } catch {
      return [];
    }
  });
  return new Map(found.map((process) => [process.pid, process]));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ESRCH") return;
    throw new SetupError(
      `Process ${pid} of a former \`npm run dev\` belongs to another user: run the same command with sudo.`,
    );
  }
}
