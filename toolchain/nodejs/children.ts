import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";

/** How a process ended: its exit code, or the signal that killed it. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process of the program, a policy pack or a plugin, with the promise of its end. */
export interface Child {
  process: ChildProcess;
  ended: Promise<Ending>;
}

const graceMilliseconds = 4000;
const running = new Set<Child>();

/**
 * Starts a process that never outlives this one. It stays in our process group, so that the CLI's
 * own last resort (a signal to the group) reaches it too. Rejects when it cannot be started.
 */
export function startChild(file: string, args: string[], options: SpawnOptions): Child {
  const started = spawn(file, args, options);
  const ended = new Promise<Ending>((resolve, reject) => {
    started.once("error", (error) => {
      reject(new Error(`cannot start ${file}, is it on PATH? (${error.message})`));
    });
    started.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  const child = { process: started, ended };
  running.add(child);
  const forget = (): void => {
    running.delete(child);
  };
  ended.then(forget, forget);
  return child;
}

/** Asks a process to end, and kills it when it has not after four seconds. */
export async function stopChild(child: Child): Promise<void> {
  child.process.kill("SIGTERM");
  const kill = setTimeout(() => child.process.kill("SIGKILL"), graceMilliseconds);
  await child.ended.catch(() => undefined);
  clearTimeout(kill);
}

/** Ends everything that was started here and still runs. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...running].map(stopChild));
}
