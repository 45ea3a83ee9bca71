/**
 * Runs a child and hands Ctrl-C on exactly once: Pulumi takes a second one as "stop at once".
 * On a terminal the child shares our process group and got the signal itself; everywhere else it
 * gets a group of its own and the signal from us.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions & { interactive?: boolean }} [options]
 *   interactive: the child may read the terminal. Default: whether stdin is one
 * @returns {{ child: import("node:child_process").ChildProcess, ended: Promise<number> }}
 *   `ended` resolves to the exit code, rejects with Interrupted after a signal
 */
export function startChild(
  command: string,
  args: readonly string[],
  options?: import("node:child_process").SpawnOptions & {
    interactive?: boolean;
  },
): {
  child: import("node:child_process").ChildProcess;
  ended: Promise<number>;
};
/** The user pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  constructor();
  /** @type {number} */
  exitCode: number;
}
