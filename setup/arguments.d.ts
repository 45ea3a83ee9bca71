/**
 * Reads the command line; what is not ours is passed on in order.
 * @param {readonly string[]} argv without node and script
 * @param {Readonly<Record<string, string | undefined>>} [environment] PULUMI_STACK is the default stack
 * @returns {Arguments}
 * @throws UsageError
 */
export function parseArguments(
  argv: readonly string[],
  environment?: Readonly<Record<string, string | undefined>>,
): Arguments;
/** @returns {string} what `--help` prints */
export function helpText(): string;
export namespace verbs {
  let up: string;
  let preview: string;
  let down: string;
  let test: string;
}
/** @typedef {"up" | "preview" | "down" | "test"} Verb */
/**
 * @typedef {object} Arguments
 * @property {Verb} verb
 * @property {string} stack
 * @property {boolean} help
 * @property {boolean} beside take free ports, to run next to what is there
 * @property {boolean} long `test` only: also the tests that take long
 * @property {boolean | undefined} yes what the user said about confirmation, if anything
 * @property {string[]} passed everything else, for pulumi or mocha
 */
/** A mistake of the caller: shown as its sentence, without a stack. */
export class UsageError extends Error {
  /** @type {number} */
  exitCode: number;
}
export type Verb = "up" | "preview" | "down" | "test";
export type Arguments = {
  verb: Verb;
  stack: string;
  help: boolean;
  /**
   * take free ports, to run next to what is there
   */
  beside: boolean;
  /**
   * `test` only: also the tests that take long
   */
  long: boolean;
  /**
   * what the user said about confirmation, if anything
   */
  yes: boolean | undefined;
  /**
   * everything else, for pulumi or mocha
   */
  passed: string[];
};
