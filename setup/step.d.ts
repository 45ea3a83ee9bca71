/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} log file name without folder; lies in .hive/logs, readable by its owner only
 * @property {string} advice what to do next when it fails
 * @property {NodeJS.ProcessEnv} [env] default: ours
 */
/**
 * Runs a long step: its output goes to the log, the terminal gets one line with the time it takes.
 * @param {string} checkout
 * @param {import("./terminal.js").Terminal} terminal
 * @param {Step} step
 * @returns {Promise<void>}
 * @throws StepFailed, Interrupted
 */
export function runStep(
  checkout: string,
  terminal: import("./terminal.js").Terminal,
  step: Step,
): Promise<void>;
/**
 * One line while something takes its time: rewritten on a terminal, else a line at the start, one
 * every 30 seconds and one at the end.
 * @param {import("./terminal.js").Terminal} terminal
 * @param {string} title
 * @returns {(mark: "✓" | "✗") => void} ends it
 */
export function showProgress(
  terminal: import("./terminal.js").Terminal,
  title: string,
): (mark: "\u2713" | "\u2717") => void;
/** A step that did not work: says what, where its log is and what to do next. */
export class StepFailed extends Error {
  /**
   * @param {{ title: string, code: number, log: string, advice: string, end: string }} failure
   */
  constructor({
    title,
    code,
    log,
    advice,
    end,
  }: {
    title: string;
    code: number;
    log: string;
    advice: string;
    end: string;
  });
  /** @type {number} */
  exitCode: number;
}
export type Step = {
  title: string;
  command: string;
  args: readonly string[];
  /**
   * file name without folder; lies in .hive/logs, readable by its owner only
   */
  log: string;
  /**
   * what to do next when it fails
   */
  advice: string;
  /**
   * default: ours
   */
  env?: NodeJS.ProcessEnv | undefined;
};
