/**
 * What the provisioned dev stack costs over an empty program: `preview` and `up --refresh` with
 * nothing to do, each in turn with the empty one's, so that a slow moment hits both. Medians.
 * Prints the start of each plugin too. Needs a stack that is up.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
const runs = Number(process.argv[2] ?? 5);
const environment = { ...process.env, ...stackEnvironment() };

const empty = emptyProgram();
try {
  const preview = paired(
    ["preview", "--stack", "dev", "--expect-no-changes", "--non-interactive"],
    ["preview", "--stack", "empty", "--expect-no-changes", "--non-interactive"],
  );
  report("preview", preview);
  const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--refresh", "--run-program"];
  const upped = paired([...up, "--stack", "dev"], [...up, "--stack", "empty"]);
  report("up", upped);
  const resources = resourceCount();
  const perResource = (upped.stack - upped.empty) / resources;
  console.log(`up: ${perResource.toFixed(0)} ms more a resource, ${String(resources)} resources`);
  for (const [name, path] of plugins()) {
    const milliseconds = await startOf(path);
    console.log(`start of plugin ${name}: ${milliseconds.toFixed(0)} ms`);
  }
  const ratios = {
    preview_vs_empty: round(preview.stack / preview.empty),
    up_vs_empty: round(upped.stack / upped.empty),
  };
  console.log(JSON.stringify({ bench: "pulumi", ratios }));
} finally {
  rmSync(empty, { recursive: true });
}

interface Medians {
  readonly stack: number;
  readonly empty: number;
}

function paired(stackArguments: readonly string[], emptyArguments: readonly string[]): Medians {
  const stack: number[] = [];
  const blank: number[] = [];
  for (let index = 0; index <= runs; index++) {
    const pair = [timed(checkout, stackArguments), timed(empty, emptyArguments)] as const;
    // The first pair fills the caches.
    if (index === 0) continue;
    stack.push(pair[0]);
    blank.push(pair[1]);
  }
  return { stack: median(stack), empty: median(blank) };
}

function timed(cwd: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync("pulumi", args, {
    cwd,
    env: cwd === checkout ? environment : emptyEnvironment(cwd),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return performance.now() - start;
}

function report(verb: string, { stack, empty: blank }: Medians): void {
  const ratio = (stack / blank).toFixed(2);
  console.log(`${verb}: ${stack.toFixed(0)} ms, empty ${blank.toFixed(0)} ms, ratio ${ratio}`);
}

function stackEnvironment(): Record<string, string> {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(checkout, "cli/hive.js"), "env", "--json"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>;
}

/** Its state is its own: nothing of the benchmark stays in the stack's back end. */
function emptyEnvironment(directory: string): Record<string, string | undefined> {
  return { ...environment, PULUMI_BACKEND_URL: `file://${join(directory, "state")}` };
}

/** A program without resources. */
function emptyProgram(): string {
  const directory = mkdtempSync(join(tmpdir(), "empty-"));
  const state = join(directory, "state");
  mkdirSync(state);
  writeFileSync(
    join(directory, "Pulumi.yaml"),
    "name: empty\nmain: index.js\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n",
  );
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(directory, "index.js"), "");
  symlinkSync(join(checkout, "node_modules"), join(directory, "node_modules"));
  for (const args of [
    ["stack", "init", "empty"],
    ["up", "--yes", "--skip-preview", "--stack", "empty"],
  ]) {
    timed(directory, args);
  }
  return directory;
}

function resourceCount(): number {
  const { stdout } = spawnSync("pulumi", ["stack", "export", "--stack", "dev"], {
    cwd: checkout,
    env: environment,
    encoding: "utf8",
  });
  const state = JSON.parse(stdout) as { deployment: { resources: { custom: boolean }[] } };
  return state.deployment.resources.filter(({ custom }) => custom).length;
}

function plugins(): [string, string][] {
  const home = join(environment["PULUMI_HOME"] ?? "", "plugins");
  const found = readdirSync(home)
    .map((folder): [string, string] => {
      const name = folder.replace(/^resource-(.*)-v.*$/, "$1");
      return [name, join(home, folder, `pulumi-resource-${name}`)];
    })
    .filter(([, path]) => existsSync(path));
  return [...found, ["host", join(checkout, "provider/pulumi-resource-host")]];
}

/** Milliseconds until the plugin has printed its port. */
function startOf(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(path, ["127.0.0.1:1"], { stdio: ["ignore", "pipe", "ignore"] });
    child.on("error", reject);
    child.stdout.once("data", () => {
      resolve(performance.now() - start);
      child.kill();
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
