import { Fault } from "../../fault.ts";
import type { RunOptions, RunResult } from "../transport.ts";
import { printed, quote } from "./quote.ts";
import type { RemoteShell, Reply } from "./remoteShell.ts";

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The most of each stream that is kept, from its start; bytes. */
const kept = 4 * 1024 * 1024;

/** Seconds between TERM and KILL of a command that was ended. */
const patience = 5;

/** Said instead of a result; nobody else's program prints it. */
const missing = { folder: "hivematrix: no folder", user: "hivematrix: no user" };

/** Runs a program on the host. @throws Fault when it cannot be started or was ended. */
export async function runRemote(
  shell: RemoteShell,
  argv: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const id = shell.nextId();
  const ending = new Ending(shell, id, options);
  try {
    const reply = await shell.job(id, scriptOf(id, argv, options));
    if (ending.reason !== undefined) throw new Fault(`${argv[0] ?? ""} ${ending.reason}.`);
    return resultOf(reply, argv[0] ?? "", options);
  } finally {
    ending.forget();
  }
}

/** The argument vector is all that other users of the host can see of it. */
function scriptOf(id: number, argv: readonly string[], options: RunOptions): string {
  const { user, cwd = "/", env = {}, stdin, signal, timeout } = options;
  const account = user === undefined ? '"$(id -un)"' : quote(user);
  const become =
    user === undefined
      ? ""
      : `setpriv --reuid "$(id -u "$USER")" --regid "$(id -g "$USER")" --init-groups -- `;
  const group = `"$hive/${id}.group"`;
  return [
    `USER=${account}; HOME=$(getent passwd "$USER" | cut -d: -f6)`,
    `[ -n "$HOME" ] || { echo ${quote(missing.user)} >&2; exit 127; }`,
    `export USER HOME LOGNAME="$USER" PATH=${systemPath} LANG=C.UTF-8`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    ...(stdin === undefined ? [] : [`${printed(stdin)} >"$hive/${id}.in"`]),
    `cd ${quote(cwd)} 2>/dev/null || { echo ${quote(missing.folder)} >&2; exit 127; }`,
    "unset SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID MAIL OLDPWD SHELL TERM",
    // A session of its own: ending it ends all it started.
    `setsid ${become}${argv.map(quote).join(" ")} <${stdin === undefined ? "/dev/null" : `"$hive/${id}.in"`} &`,
    `hive_pid=$!`,
    ...(signal === undefined && timeout === undefined ? [] : [`echo $hive_pid >${group}`]),
    // The shell would print how it ended.
    `{ wait $hive_pid; } 2>/dev/null`,
  ].join("\n");
}

function resultOf(
  { code, stdout, stderr }: Reply,
  program: string,
  options: RunOptions,
): RunResult {
  const first = stderr.split("\n")[0] ?? "";
  if (code === 127 && first === missing.user) {
    throw new Fault(`There is no user ${String(options.user)}; declare a User for it.`);
  }
  const cannot = /^(?:setsid|setpriv): failed to execute .*: (.*)$/.exec(first);
  if (code === 127 && (first === missing.folder || cannot?.[1] === "No such file or directory")) {
    throw new Fault(
      `${program} could not be started: it is not installed, or its folder ${options.cwd ?? "/"} is missing.`,
    );
  }
  if (cannot) throw new Fault(`${program} could not be started: ${cannot[1] ?? ""}.`);
  return { code, stdout: stdout.subarray(0, kept).toString("utf8"), stderr: stderr.slice(0, kept) };
}

/** Ends a process group of the host when it is told to or its time is up. */
class Ending {
  reason: string | undefined;
  readonly #shell: RemoteShell;
  readonly #id: number;
  readonly #signal: AbortSignal | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onAbort = (): void => {
    this.#end("was interrupted; run the same command again");
  };

  constructor(shell: RemoteShell, id: number, options: RunOptions) {
    this.#shell = shell;
    this.#id = id;
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
    this.#shell.tell(`hive_kill ${this.#id} TERM`);
    this.#after(patience, () => {
      this.#shell.tell(`hive_kill ${this.#id} KILL`);
    });
  }

  #after(time: number, action: () => void): void {
    this.#timers.push(setTimeout(action, time * 1000));
  }
}
