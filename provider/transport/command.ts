import { spawn } from "node:child_process";
import { constants } from "node:os";

import { codeOf, Fault } from "../fault.ts";
import type { Account, RunOptions, RunResult } from "./transport.ts";

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What tools need to reach the outside; everything else of our environment stays here. */
const passedOn =
  /^(https?_proxy|no_proxy|all_proxy|ftp_proxy|JAVA_HOME|JAVA_TOOL_OPTIONS|MAVEN_\w+|SSL_CERT_\w+|TZ)$/i;

/** The most of each stream that is kept, from its start; characters. */
const kept = 4 * 1024 * 1024;

/** Seconds between TERM and KILL of a command that was ended. */
const patience = 5;

/** Runs a program on this machine. @throws Fault when it cannot be started or was ended. */
export function runCommand(
  argv: readonly string[],
  options: RunOptions,
  self: Account,
  other: Account | undefined,
): Promise<RunResult> {
  const [program = "", ...rest] = argv;
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A session of its own: Ctrl-C in the terminal does not reach it, and ending it ends all of it.
    const child = spawn(program, rest, {
      cwd: options.cwd ?? "/",
      env: environmentOf(other ?? self, other !== undefined, options.env),
      detached: true,
      stdio: "pipe",
      ...(other === undefined ? {} : { uid: other.uid, gid: other.gid }),
    });
    const ending = new Ending(child.pid, options);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < kept) stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < kept) stderr += text;
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    child.on("error", (error) => {
      ending.forget();
      reject(startFault(program, options, error));
    });
    child.on("close", (code, signal) => {
      ending.forget();
      if (ending.reason !== undefined) reject(new Fault(`${program} ${ending.reason}.`));
      else
        resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), stdout, stderr });
    });
  });
}

/** Ends a process group when it is told to or its time is up. */
class Ending {
  reason: string | undefined;
  readonly #pid: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onAbort = (): void => {
    this.#end("was interrupted; run the same command again");
  };

  constructor(pid: number | undefined, options: RunOptions) {
    this.#pid = pid;
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#onAbort);
    const { timeout } = options;
    if (timeout !== undefined) {
      this.#after(timeout, () => {
        this.#end(`did not end within ${timeout} s`);
      });
    }
  }

  forget(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#timers.forEach((timer) => {
      clearTimeout(timer);
    });
  }

  #end(reason: string): void {
    this.reason ??= reason;
    this.#kill("SIGTERM");
    this.#after(patience, () => {
      this.#kill("SIGKILL");
    });
  }

  #after(time: number, action: () => void): void {
    this.#timers.push(setTimeout(action, time * 1000));
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#pid === undefined) return;
    try {
      process.kill(-this.#pid, signal);
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

function environmentOf(
  account: Account,
  foreign: boolean,
  extra: RunOptions["env"],
): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => passedOn.test(name));
  const path = foreign ? systemPath : `${systemPath}:${process.env["PATH"] ?? ""}`;
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    PATH: path,
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    LANG: "C.UTF-8",
    ...extra,
  };
}

function startFault(program: string, options: RunOptions, error: Error): Fault {
  if (codeOf(error) === "ENOENT") {
    return new Fault(
      `${program} could not be started: it is not installed, or its folder ${options.cwd ?? "/"} is missing.`,
    );
  }
  return new Fault(`${program} could not be started: ${error.message}.`);
}
