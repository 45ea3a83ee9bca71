import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { hiveFolder } from "../cli/record.js";
import { startChild } from "./child.js";
import { elapsed } from "./terminal.js";

/** A step that did not work: says what, where its log is and what to do next. */
export class StepFailed extends Error {
  /** @type {number} */
  exitCode = 1;
  /**
   * @param {{ title: string, code: number, log: string, advice: string, end: string }} failure
   */
  constructor({ title, code, log, advice, end }) {
    super(`${title} failed (exit code ${code}).\n${end}  Full log: ${log}\n  ${advice}`);
  }
}

/** Seconds between signs of life where lines cannot be rewritten. */
const heartbeat = 30;

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} log file name without folder; lies in .hive/logs, readable by its owner only
 * @property {string} advice what to do next when it fails
 * @property {NodeJS.ProcessEnv} [env] default: ours
 * @property {number} [shown] lines of the log that are shown when it fails; default 6
 */

/**
 * Runs a long step: its output goes to the log, the terminal gets one line with the time it takes.
 * @param {string} checkout
 * @param {import("./terminal.js").Terminal} terminal
 * @param {Step} step
 * @returns {Promise<void>}
 * @throws StepFailed, Interrupted
 */
export async function runStep(checkout, terminal, step) {
  const log = join(hiveFolder(checkout), "logs", step.log);
  mkdirSync(hiveFolder(checkout), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  const output = openSync(log, "w", 0o600);
  const stop = showProgress(terminal, step.title);
  try {
    const { ended } = startChild(step.command, step.args, {
      cwd: checkout,
      env: step.env ?? process.env,
      stdio: ["ignore", output, output],
      interactive: false,
    });
    const code = await ended;
    if (code !== 0) {
      throw new StepFailed({
        title: step.title,
        code,
        log,
        advice: step.advice,
        end: lastLines(log, step.shown ?? 6),
      });
    }
    stop("✓");
  } catch (fault) {
    stop("✗");
    throw fault;
  } finally {
    closeSync(output);
  }
}

/**
 * One line while something takes its time: rewritten on a terminal, else a line at the start, one
 * every 30 seconds and one at the end.
 * @param {import("./terminal.js").Terminal} terminal
 * @param {string} title
 * @returns {(mark: "✓" | "✗") => void} ends it
 */
export function showProgress(terminal, title) {
  const start = Date.now();
  const show = () => terminal.rewrite(`  ${title} … ${elapsed(Date.now() - start)}`);
  if (!terminal.live) terminal.line(`  ${title} …`);
  show();
  const timer = setInterval(
    () => {
      if (terminal.live) show();
      else terminal.line(`  ${title} … ${elapsed(Date.now() - start)}`);
    },
    terminal.live ? 1000 : heartbeat * 1000,
  );
  return (mark) => {
    clearInterval(timer);
    const painted = mark === "✓" ? terminal.green(mark) : terminal.red(mark);
    terminal.line(`${painted} ${title} ${terminal.dim(elapsed(Date.now() - start))}`);
  };
}

/**
 * @param {string} path
 * @param {number} count
 * @returns {string} indented, each with its newline
 */
function lastLines(path, count) {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-count);
  return lines
    .filter((line) => line !== "")
    .map((line) => `  | ${line}\n`)
    .join("");
}
