import { spawn } from "node:child_process";

/** The user pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  /** @type {number} */
  exitCode = 130;
  constructor() {
    super("Interrupted; the same command continues where it stopped.");
  }
}

/** A second signal within this time is the same key press (the terminal's and npm's copy of it). */
const sameKeyPress = 1500;

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
export function startChild(command, args, options = {}) {
  const { interactive = process.stdin.isTTY === true, ...rest } = options;
  const child = spawn(command, args, { stdio: "inherit", detached: !interactive, ...rest });
  let last = 0;
  let interrupted = false;
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    const repeated = Date.now() - last < sameKeyPress;
    interrupted = true;
    last = Date.now();
    if (repeated || (interactive && signal === "SIGINT")) return;
    child.kill(signal);
  };
  // A child of ours whose parent was killed must not go on alone.
  const orphaned = () => forward("SIGTERM");
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  process.on("SIGHUP", forward);
  process.on("disconnect", orphaned);
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (interrupted) reject(new Interrupted());
      else if (signal !== null) reject(new Error(`${command} was ended by ${signal}.`));
      else resolve(code ?? 1);
    });
  }).finally(() => {
    process.off("SIGINT", forward);
    process.off("SIGTERM", forward);
    process.off("SIGHUP", forward);
    process.off("disconnect", orphaned);
  });
  return { child, ended };
}
