// `npm test` after the npm packages are there: the fast checks, then whole trials. The very last
// line is `N passed, N failed`, which every CI can read.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parseArguments } from "./arguments.js";
import { Interrupted, startChild } from "./child.js";
import { addCounts, type Counts, describeCounts, parseCounts } from "./counts.ts";
import { mochaArguments, readIfThere, runFastChecks } from "./fastChecks.ts";
import { listSuites } from "./suites.ts";
import { openTerminal } from "./terminal.js";
import { prepareTools } from "./tools.ts";

const checkout = dirname(import.meta.dirname);
const terminal = openTerminal();

/** Whole trials take minutes; a hanging one has to end some day. */
const slowTimeout = 900_000;

try {
  const counts = await runAll();
  terminal.line(describeCounts(counts));
  process.exitCode = counts.failed === 0 ? 0 : 1;
} catch (fault) {
  process.stderr.write(`${terminal.red((fault as Error).message)}\n`);
  process.exitCode = fault instanceof Interrupted ? 130 : 1;
}

async function runAll(): Promise<Counts> {
  const args = parseArguments(process.argv.slice(2), process.env);
  const tools = await prepareTools(checkout);
  Object.assign(process.env, tools.env);
  terminal.line(terminal.dim(tools.description));

  const chosen = args.passed.filter((argument) => argument.endsWith(".test.ts"));
  const options = args.passed.filter((argument) => !argument.endsWith(".test.ts"));
  const { unit, slow } = listSuites(checkout, { long: args.long, chosen });
  // Somebody who picks tests wants those only, and to see them.
  if (args.passed.length > 0) return await runMocha("Tests", [...unit, ...slow], options);
  return addCounts([
    await runFastChecks(checkout, terminal, unit),
    await runMocha("Whole trials", slow, []),
  ]);
}

/** A process of its own; its counts come back in a file. */
async function runMocha(
  title: string,
  files: readonly string[],
  options: readonly string[],
): Promise<Counts> {
  terminal.line(`\n${terminal.bold(title)} (${files.length} files)`);
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-test-"));
  const counts = join(folder, "counts.json");
  const mocha = join(checkout, "node_modules", ".bin", "mocha");
  try {
    const code = await startChild(
      process.execPath,
      [mocha, ...mochaArguments(checkout, counts, slowTimeout), ...options, ...files],
      { cwd: checkout, interactive: false, stdio: ["ignore", "inherit", "inherit"] },
    ).ended;
    return parseCounts(readIfThere(counts), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
