#!/usr/bin/env node
// `npm run up|preview|down|dev` and `npm test`, from a fresh clone on. Plain JavaScript for Node 18:
// here are only the steps that come before the npm packages; pulumi.ts, dev.ts and test.ts do the rest.
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { ports } from "../ports.js";
import { configuredPortBase, readRecord, writeRecord } from "../cli/record.js";
import { helpText, parseArguments } from "./arguments.js";
import { Interrupted, startChild } from "./child.js";
import { installPackages } from "./debianPackages.js";
import { findFreeRun } from "./listeners.js";
import { cacheFolder, inspectMachine, packageListsMissing } from "./machine.js";
import { nodeBinary, nodeBinaryWorks, npmPackagesComplete } from "./npmPackages.js";
import { describePlan, makePlan } from "./plan.js";
import { checkDisk, checkPorts, checkPrivilege, checkSystem, checkTrial } from "./preflight.js";
import { runStep } from "./step.js";
import { openTerminal } from "./terminal.js";
import { checkpointPath, chooseRoot, trialOwner, trialStack } from "./trialFolder.js";

const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
const terminal = openTerminal();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (fault) {
  const { message, exitCode } = /** @type {Error & { exitCode?: number }} */ (fault);
  process.stderr.write(`${fault instanceof Interrupted ? "\n" : ""}${terminal.red(message)}\n`);
  process.exitCode = exitCode ?? 1;
}

/**
 * @param {string[]} argv
 * @returns {Promise<number>} exit code
 */
async function main(argv) {
  const args = parseArguments(argv, process.env);
  if (args.help) {
    process.stdout.write(helpText());
    return 0;
  }
  if (args.verb === "down" && nothingToTakeDown(args.stack)) {
    terminal.line("Nothing is provisioned from this checkout.");
    return 0;
  }
  if (args.verb === "dev") {
    if (readRecord(checkout, args.stack) === undefined) {
      throw new Error(`Stack ${args.stack} is not set up in this checkout: run \`npm run up\`.`);
    }
    await installNpmPackages();
    return await handOver(join(checkout, "setup", "dev.ts"), argv);
  }

  const found = await lookAround(args);
  if (found.refusals.length > 0) {
    for (const refusal of found.refusals) process.stderr.write(`${terminal.red("✗")} ${refusal}\n`);
    return 1;
  }
  for (const line of [...describePlan(found.plan, terminal), ...found.places]) terminal.line(line);
  for (const warning of found.warnings) terminal.line(`! ${warning}`);

  if (found.trial !== undefined && args.verb !== "down") {
    writeRecord(checkout, args.stack, found.trial);
  }
  await installPackages(checkout, terminal, found.plan.setupPackages, found.machine.privilege);
  await installNpmPackages();
  const script = args.verb === "test" ? "test.ts" : "pulumi.ts";
  return await handOver(join(checkout, "setup", script), argv);
}

/**
 * Everything that can be known before the first change.
 * @param {import("./arguments.js").Arguments} args
 */
async function lookAround({ verb, stack, beside }) {
  const trial = stack === trialStack && verb !== "test";
  const provisions = verb === "test" || (trial && verb === "up");
  const record = readRecord(checkout, stack);
  const uid = process.getuid?.() ?? -1;
  const configured = configuredPortBase(checkout, stack);
  const portBase =
    configured ?? record?.portBase ?? (beside && trial ? await findFreeRun() : undefined);
  const { root, user } =
    record?.root === undefined
      ? chooseRoot(checkout, stack, { uid, portBase })
      : { root: record.root, user: record.user };

  const machine = inspectMachine(checkout, provisions ? [cacheFolder(), root] : [cacheFolder()]);
  const plan = makePlan(checkout, {
    verb: provisions ? verb : "other",
    root: record?.root,
    ships: verb === "up" && !trial,
  });
  const { refusals, warnings } = provisions ? checkSystem(machine) : { refusals: [], warnings: [] };
  if (refusals.length === 0) {
    const packages = [...plan.setupPackages, ...plan.programPackages];
    refusals.push(
      ...checkPrivilege(machine, packages, { listsMissing: packageListsMissing() }),
      ...checkDisk(machine, checkout, plan.steps.length > 0),
      ...(trial ? checkTrial({ checkout, uid, owner: trialOwner(checkout), record, root }) : []),
      ...(trial && verb === "up" ? checkPorts({ portBase, root: record?.root }) : []),
    );
  }
  const places = plan.steps.length === 0 ? [] : [terminal.dim(describePlaces(verb, root, trial))];
  if (trial && beside && record?.portBase === undefined && configured === undefined) {
    places.push(`Ports of this trial: ${Object.values(ports(portBase)).join(", ")}`);
  }
  return {
    machine,
    plan,
    refusals,
    warnings,
    places,
    trial: trial
      ? {
          root,
          ...(user === undefined ? {} : { user }),
          ...(configured !== undefined || portBase === undefined ? {} : { portBase }),
        }
      : undefined,
  };
}

/**
 * @param {string} verb
 * @param {string} root
 * @param {boolean} trial
 */
function describePlaces(verb, root, trial) {
  const data = trial && verb !== "test" ? `; the platform into ${root}` : "";
  return `Into ${checkout} (node_modules, .hive) and ${cacheFolder()}${data}.`;
}

/**
 * @param {string} stack
 * @returns {boolean} the trial's own state has no such stack and no other state is in use
 */
function nothingToTakeDown(stack) {
  if (stack !== trialStack || process.env["PULUMI_BACKEND_URL"]) return false;
  return readRecord(checkout, stack) === undefined && !existsSync(checkpointPath(checkout, stack));
}

/** Brings node_modules to what package-lock.json says. */
async function installNpmPackages() {
  // With `npm run`, node_modules/.bin comes first on PATH: npm must not run on what it replaces.
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(checkout, "node_modules")))
    .join(delimiter);
  const env = { ...process.env, PATH: path };
  if (!npmPackagesComplete(checkout)) {
    await runStep(checkout, terminal, {
      title: "npm packages",
      command: "npm",
      args: ["ci", "--include=dev", "--no-audit", "--no-fund"],
      log: "npm.log",
      advice: "Look at the log; then run the same command again.",
      env,
    });
  }
  if (!nodeBinaryWorks(checkout)) {
    await runStep(checkout, terminal, {
      title: "Node 24 (npm package node)",
      command: "npm",
      args: ["rebuild", "node", "--ignore-scripts=false"],
      log: "npm.log",
      advice: `The package's install script could not place ${nodeBinary(checkout)}; then run the same command again.`,
      env,
    });
    if (!nodeBinaryWorks(checkout)) {
      throw new Error(
        `${nodeBinary(checkout)} does not run: remove ${join(checkout, "node_modules")} and run the same command again.`,
      );
    }
  }
}

/**
 * Goes on with Node 24.
 * @param {string} script
 * @param {string[]} argv
 * @returns {Promise<number>}
 */
async function handOver(script, argv) {
  const { child, ended } = startChild(nodeBinary(checkout), [script, ...argv], {
    cwd: checkout,
    // The channel tells the child when this process was killed.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  try {
    return await ended;
  } catch (fault) {
    // The child has said so already; one that was only asked to end may have ended well.
    if (fault instanceof Interrupted) return child.exitCode ?? fault.exitCode;
    throw fault;
  }
}
