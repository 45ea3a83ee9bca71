// `npm test` after the npm packages are there: checks, unit tests, then whole trials. The very
// last line is `N passed, N failed`, which every CI can read.
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parseArguments } from "./arguments.js";
import { Interrupted, startChild } from "./child.js";
import { addCounts, type Counts, describeCounts, parseCounts } from "./counts.ts";
import { runStep } from "./step.js";
import { openTerminal } from "./terminal.js";
import { prepareTools } from "./tools.ts";

const checkout = dirname(import.meta.dirname);
const bin = join(checkout, "node_modules", ".bin");
const terminal = openTerminal();

const checks = [
  { title: "types", command: "tsc", args: ["-p", "."] },
  { title: "lint", command: "eslint", args: [".", "--max-warnings", "0"] },
  { title: "format", command: "prettier", args: ["--check", ".", "--log-level", "warn"] },
];

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

  // Somebody who picks tests wants those only.
  const files = args.passed.filter((argument) => argument.endsWith(".test.ts"));
  const options = args.passed.filter((argument) => !argument.endsWith(".test.ts"));
  const results: Counts[] = [];
  if (args.passed.length === 0) for (const check of checks) results.push(await runCheck(check));
  for (const suite of listSuites(args.long, files)) {
    if (suite.files.length > 0) results.push(await runSuite(suite, options));
  }
  return addCounts(results);
}

interface Suite {
  readonly title: string;
  readonly files: readonly string[];
  readonly slow: boolean;
}

/** @param chosen files named by the user; none means all */
function listSuites(long: boolean, chosen: readonly string[]): Suite[] {
  const isSlow = (file: string) => /^test\/(browser|e2e|flask|host|long|toolchain)\//.test(file);
  const find = (pattern: string) =>
    globSync(pattern, { cwd: checkout }).filter(
      (file) => !file.startsWith("test/toolchain/fixtures/"),
    );
  const all =
    chosen.length > 0
      ? chosen.map((file) => file.replace(/^\.\//, ""))
      : find("test/**/*.test.ts").filter((file) => long || !file.startsWith("test/long/"));
  return [
    { title: "Unit tests", files: all.filter((file) => !isSlow(file)).sort(), slow: false },
    { title: "Whole trials", files: all.filter(isSlow).sort(), slow: true },
  ];
}

async function runCheck({ title, command, args }: (typeof checks)[number]): Promise<Counts> {
  try {
    await runStep(checkout, terminal, {
      title,
      command: join(bin, command),
      args,
      log: `${title}.log`,
      advice: `Run \`npm run ${title}\`.`,
    });
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (fault) {
    if (fault instanceof Interrupted) throw fault;
    terminal.line((fault as Error).message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Each suite is a process of its own; its counts come back in a file. */
async function runSuite(
  { title, files, slow }: Suite,
  options: readonly string[],
): Promise<Counts> {
  terminal.line(`\n${terminal.bold(title)} (${files.length} files)`);
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-test-"));
  const result = join(folder, "counts.json");
  try {
    const code = await startChild(
      process.execPath,
      [
        join(bin, "mocha"),
        "--no-config",
        ...["--reporter", join(checkout, "test", "support", "reporter.js")],
        ...["--reporter-option", `counts=${result}`],
        ...["--timeout", String(slow ? slowTimeout : 20_000)],
        ...options,
        ...files,
      ],
      { cwd: checkout, interactive: false, stdio: ["ignore", "inherit", "inherit"] },
    ).ended;
    return parseCounts(readIfThere(result), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
