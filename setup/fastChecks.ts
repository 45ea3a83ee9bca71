// Types, lint, format and the unit tests: `npm run check`, and the first part of `npm test`.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

import { Interrupted } from "./child.js";
import { addCounts, type Counts, parseCounts } from "./counts.ts";
import { runStep } from "./step.js";
import type { Terminal } from "./terminal.js";

interface Job {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly advice: string;
  /** Where mocha's counts go; absent: the job itself counts as one test. */
  readonly counts?: string;
}

/** Lines of a failed run that are shown: the failures stand at its end. */
const shown = 60;

/**
 * Runs all of them, as many at a time as there are cores.
 * @param files of unit tests
 */
export async function runFastChecks(
  checkout: string,
  terminal: Terminal,
  files: readonly string[],
): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-check-"));
  const cores = Math.min(availableParallelism(), 4);
  // Longest first. Lines that are rewritten would be those of several jobs.
  const jobs = [...unitTests(checkout, files, folder, cores), ...checks(checkout)];
  const quiet = { ...terminal, live: false };
  const results: Counts[] = [];
  async function work(): Promise<void> {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      results.push(await runJob(checkout, quiet, job));
    }
  }
  try {
    await Promise.all(Array.from({ length: cores }, work));
    return addCounts(results);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checks(checkout: string): Job[] {
  const bin = join(checkout, "node_modules", ".bin");
  const cache = join(checkout, ".hive", "cache");
  return [
    {
      title: "lint",
      command: join(bin, "eslint"),
      args: [".", "--max-warnings", "0"],
      advice: "Run `npm run lint`.",
    },
    {
      title: "types",
      command: join(bin, "tsc"),
      args: ["-p", ".", "--incremental", "--tsBuildInfoFile", join(cache, "types.json")],
      advice: "Run `npm run types`.",
    },
    {
      title: "format",
      command: join(bin, "prettier"),
      args: [
        "--check",
        ".",
        "--log-level",
        "warn",
        "--cache",
        "--cache-location",
        join(cache, "format"),
      ],
      advice: "Run `npm run format:fix`.",
    },
  ];
}

/** Dealt out in turn, each part a mocha of its own. */
function unitTests(
  checkout: string,
  files: readonly string[],
  folder: string,
  parts: number,
): Job[] {
  const mocha = join(checkout, "node_modules", ".bin", "mocha");
  return Array.from({ length: parts }, (_, part) => {
    const counts = join(folder, `${String(part)}.json`);
    const own = files.filter((_file, index) => index % parts === part);
    return {
      title: `unit tests ${String(part + 1)} of ${String(parts)}`,
      command: process.execPath,
      args: [mocha, ...mochaArguments(checkout, counts, 20_000), ...own],
      advice: "Run the test that failed with `npx mocha FILE`.",
      counts,
    };
  });
}

/** @param timeout milliseconds of a test that does not set its own */
export function mochaArguments(checkout: string, counts: string, timeout: number): string[] {
  return [
    "--no-config",
    // What a failed hook did not close would keep the process for ever.
    "--exit",
    ...["--reporter", join(checkout, "test", "support", "reporter.js")],
    ...["--reporter-option", `counts=${counts}`],
    ...["--timeout", String(timeout)],
  ];
}

async function runJob(checkout: string, terminal: Terminal, job: Job): Promise<Counts> {
  const log = `${job.title.replaceAll(" ", "-")}.log`;
  let code = 0;
  try {
    await runStep(checkout, terminal, { ...job, log, shown });
  } catch (fault) {
    if (fault instanceof Interrupted) throw fault;
    terminal.line((fault as Error).message);
    code = 1;
  }
  if (job.counts !== undefined) return parseCounts(readIfThere(job.counts), code);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
