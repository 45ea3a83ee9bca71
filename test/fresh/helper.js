import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";

import { UsageError } from "./arguments.js";
import { reapedSeconds } from "./processes.js";

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
/** @type {WeakSet<import("node:child_process").ChildProcess>} */
const killed = new WeakSet();

/**
 * Runs one of this host's own commands.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} log
 * @throws Error when it fails
 */
export async function execute(command, args, log) {
  const output = openSync(log, "a");
  // A session of its own: Ctrl-C is the runner's to handle.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", command, ...args], {
    stdio: ["ignore", output, output],
    detached: true,
  });
  running.add(child);
  try {
    const [code, signal] = await once(child, "exit");
    if (killed.has(child)) await new Promise(() => {}); // the runner is cleaning up: nobody to tell
    if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}`);
  } finally {
    running.delete(child);
    closeSync(output);
  }
}

/** Ends what `execute` has started. */
export function killChildren() {
  for (const child of running) {
    killed.add(child);
    child.kill("SIGKILL");
  }
}

/**
 * @param {string} log
 * @param {() => Promise<void>} work
 * @returns {Promise<import("./machine.js").Outcome>} a failure is one of code 1
 */
export async function measure(log, work) {
  const began = { time: Date.now(), cpu: reapedSeconds() };
  const outcome = (/** @type {number} */ code, /** @type {string} */ text) => ({
    code,
    text,
    wall: (Date.now() - began.time) / 1000,
    cpu: reapedSeconds() - began.cpu,
  });
  try {
    await work();
    return outcome(0, "");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return outcome(1, `${readFileSync(log, { encoding: "utf8", flag: "a+" })}\n${error.message}`);
  }
}
