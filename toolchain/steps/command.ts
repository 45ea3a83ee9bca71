import { type ChildProcess, spawn } from "node:child_process";

/** Where and how a command runs. */
export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds after which it is ended; default: never. */
  timeout?: number;
}

const running = new Set<ChildProcess>();
const keptLines = 15;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/** Ends every command that still runs, with all it started. */
export function stopCommands(): void {
  for (const child of running) signalGroup(child, "SIGKILL");
}

/**
 * Runs a command to its end and returns what it printed on stdout. Throws with the last lines of
 * its output when it fails. It gets a process group of its own: a compiler starts many others.
 */
export async function runCommand(
  file: string,
  args: string[],
  { cwd, env = process.env, timeout = 0 }: CommandOptions = {},
): Promise<string> {
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let stdout = "";
  let output = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => (output = (output + data.toString()).slice(-8192)));
  }
  const timer = timeout > 0 ? setTimeout(signalGroup, timeout, child, "SIGKILL") : undefined;
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (code === 0) return stdout;
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
  const lines = output.trimEnd().split("\n").slice(-keptLines).join("\n  ");
  throw new Error(`${file} ${args.slice(0, 3).join(" ")} failed:\n  ${lines}`);
}
