// `npm run dev`: the platform's services from the sources of this checkout, on the trial that is up.
// Node 24, called by main.js. Nothing of the stack changes: the supervised services are stopped
// meanwhile and come back at the end.
import { dirname, join } from "node:path";

import { control } from "../cli/control.ts";
import { openOutput } from "../cli/output.ts";
import { isReady } from "../cli/readiness.ts";
import { readServiceEnvironment } from "../cli/serviceEnvironment.ts";
import { readState } from "../cli/serviceState.ts";
import { findSupervisor } from "../cli/supervisor.ts";
import { chooseServices, findTrial, type Trial } from "../cli/trial.ts";
import { readRegistry } from "../registry.ts";
import { parseArguments, UsageError } from "./arguments.js";
import { describeLine } from "./devLine.ts";
import { endLeftovers } from "./leftovers.ts";
import { SetupError } from "./setupError.ts";
import { SourceProcess } from "./sourceProcess.ts";

const script = import.meta.filename;
const checkout = dirname(import.meta.dirname);
const output = openOutput();

/** A service and the file it is started by. */
interface Source {
  readonly name: string;
  readonly main: string;
}

// A terminal that was closed must not keep the services from coming back.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

try {
  await main();
} catch (fault) {
  const { message, exitCode = 1 } = fault as Error & { exitCode?: number };
  process.stderr.write(`${openOutput(process.stderr).red(message)}\n`);
  process.exitCode = exitCode;
} finally {
  // The channel to main.js would keep this process.
  if (process.connected) process.disconnect();
}

async function main(): Promise<void> {
  const { stack, passed } = parseArguments(process.argv.slice(2), process.env);
  const trial = findTrial(stack, checkout);
  const sources = chooseSources(trial, passed);
  const names = sources.map(({ name }) => name);
  const mains = sources.map((source) => source.main);
  const environments = names.map((name) => readServiceEnvironment(trial, name));
  requireUp(trial, names);
  await endLeftovers(script, mains);

  const asked = untilAsked();
  let lost: string | undefined;
  try {
    await control("stop", names, { stack, timeout: "60" });
    output.line(output.dim("Ctrl-C ends this; after a kill, `npx hive start` brings all back."));
    const processes = sources.map(
      ({ name, main: file }, index) =>
        new SourceProcess({
          checkout,
          main: file,
          env: environments[index] ?? {},
          line: lineOf(name, index, names),
          lost: () => {
            // Ctrl-C reaches it too, and may be heard of here a little later.
            setTimeout(() => {
              if (!asked.signal.aborted) lost = name;
              asked.end();
            }, 500);
          },
        }),
    );
    announce(trial, names, asked.signal).catch((fault: unknown) => {
      output.line(output.red(String(fault)));
    });
    await asked.ended;
    await Promise.all(processes.map((process) => process.stop()));
    await endLeftovers(script, mains);
  } finally {
    await control("start", names, { stack, timeout: "180" });
  }
  if (lost !== undefined) throw new SetupError(`${lost} could not be run from its sources.`);
}

/** @throws UsageError or HiveError naming what there is */
function chooseSources(trial: Trial, passed: readonly string[]): Source[] {
  const option = passed.find((argument) => argument.startsWith("-"));
  if (option !== undefined) throw new UsageError(`\`npm run dev\` has no option ${option}.`);
  const { apps } = readRegistry(join(checkout, "apps_registry.json"));
  const sources = Object.entries(apps).flatMap(([name, { source }]): Source[] =>
    source.runtime === undefined
      ? []
      : [{ name, main: join(checkout, "runtime", source.runtime, "main.ts") }],
  );
  const known = sources.map(({ name }) => name);
  const names = chooseServices(trial, passed.length === 0 ? known : passed);
  const other = names.find((name) => !known.includes(name));
  if (other !== undefined) {
    throw new UsageError(
      `${other} is not run from runtime/. From sources run: ${known.join(", ")}.`,
    );
  }
  return sources.filter(({ name }) => names.includes(name));
}

/** Stopped ones are welcome: a killed `npm run dev` leaves them so. */
function requireUp(trial: Trial, names: readonly string[]): void {
  const up = findSupervisor(trial) !== undefined;
  if (up && names.every((name) => readState(trial, name).state !== "unsupervised")) return;
  throw new SetupError("The trial is not up: run `npm run up`.");
}

interface Asked {
  readonly signal: AbortSignal;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** By Ctrl-C, by TERM, by a closed terminal, or because main.js was killed. */
function untilAsked(): Asked {
  const controller = new AbortController();
  const end = (): void => {
    controller.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  process.on("disconnect", end);
  const { signal } = controller;
  const ended = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
  return { signal, ended, end };
}

function lineOf(name: string, index: number, names: readonly string[]): (text: string) => void {
  const width = Math.max(...names.map(({ length }) => length));
  const text = name.padEnd(width);
  const colours = [output.blue(text), output.green(text), output.yellow(text)] as const;
  const prefix = colours[index % colours.length] ?? text;
  return (written) => {
    for (const line of describeLine(written, output)) output.line(`${prefix}  ${line}`);
  };
}

/** Says of each service when it has become ready. */
async function announce(
  trial: Trial,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const start = Date.now();
  const waiting = new Set(names);
  while (waiting.size > 0 && !signal.aborted) {
    for (const name of waiting) {
      const ready = await isReady(trial, name);
      if (ready === false) continue;
      waiting.delete(name);
      if (ready !== true) continue;
      const took = output.dim(`${((Date.now() - start) / 1000).toFixed(1)} s`);
      output.line(`${output.green("✓")} ${name} ready, from sources ${took}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
