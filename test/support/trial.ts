import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What a finished command left. */
export interface Outcome {
  readonly code: number;
  /** Standard output and error, in the order they came. */
  readonly text: string;
}

/** A resource as `pulumi stack export --show-secrets` tells it. */
export interface ExportedResource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/**
 * A trial of its own: a copy of the checkout's tracked files with the same node_modules, its data
 * in a temporary folder; for `up --beside`. Removed by `remove`.
 */
export class Trial {
  readonly directory: string;
  readonly root: string;
  /** Holds both, and what a test lays beside them: a service may run there. */
  readonly #folder: string;

  constructor(directory: string) {
    this.#folder = directory;
    this.directory = join(directory, "checkout");
    this.root = join(directory, "data");
  }

  /** First of the ports that `--beside` chose. */
  get portBase(): number {
    const record = readFileSync(join(this.directory, ".hive", "dev.json"), "utf8");
    return (JSON.parse(record) as { portBase: number }).portBase;
  }

  /** Starts `npm run VERB`'s command without waiting for its end. */
  start(verb: string, ...args: string[]): Running {
    return new Running(
      spawn(process.execPath, ["setup/main.js", verb, ...args], {
        cwd: this.directory,
        stdio: ["ignore", "pipe", "pipe"],
        env: cleanEnvironment(),
        detached: true,
      }),
    );
  }

  run(verb: string, ...args: string[]): Promise<Outcome> {
    return this.start(verb, ...args).ended;
  }

  /** The user's own `pulumi`, in the environment that `hive env` prints. */
  pulumi(...args: string[]): Promise<Outcome> {
    const line = `eval "$(node cli/hive.js env)" && exec pulumi "$@"`;
    return shell(line, args, this.directory);
  }

  hive(...args: string[]): Promise<Outcome> {
    return shell(`exec node cli/hive.js "$@"`, args, this.directory);
  }

  async outputs(): Promise<Record<string, string>> {
    const { text } = await this.pulumi("stack", "output", "--json", "--show-secrets");
    return JSON.parse(text) as Record<string, string>;
  }

  async resources(...flags: string[]): Promise<readonly ExportedResource[]> {
    const { text } = await this.pulumi("stack", "export", ...flags);
    const state = JSON.parse(text) as { deployment: { resources?: ExportedResource[] } };
    return state.deployment.resources ?? [];
  }

  /** Pids of every process whose working folder or command line lies in the trial's folder. */
  async processes(): Promise<number[]> {
    const found = await Promise.all(
      (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map((pid) => this.#uses(pid)),
    );
    return found.filter((pid) => pid !== undefined);
  }

  async remove(): Promise<void> {
    // A supervisor may start one between two looks.
    await eventually("nothing of the trial runs", 30, async () => {
      const left = await this.processes();
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  async #uses(pid: string): Promise<number | undefined> {
    try {
      const text = await readFile(`/proc/${pid}/cmdline`, "utf8");
      const cwd = await readlink(`/proc/${pid}/cwd`);
      const ours = text.includes(this.#folder) || cwd.startsWith(this.#folder);
      return ours && Number(pid) !== process.pid ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A command under way. */
export class Running {
  readonly ended: Promise<Outcome>;
  #text = "";
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        this.#text += chunk;
      });
    }
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        resolve({ code: code ?? (signal === null ? 0 : 1), text: this.#text });
      });
    });
  }

  get text(): string {
    return this.#text;
  }

  get finished(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** To the whole process group, as a terminal's Ctrl-C does. */
  signal(name: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) {
      try {
        process.kill(-this.#child.pid, name);
      } catch {
        // It ended by itself in the meantime.
      }
    }
  }
}

export async function createTrial(): Promise<Trial> {
  const directory = await mkdtemp(join(tmpdir(), "hivematrix-"));
  await run("chmod", ["755", directory]);
  const trial = new Trial(directory);
  const { stdout } = await run(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    {
      cwd: checkout,
    },
  );
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(trial.directory, file)), { recursive: true });
    await cp(join(checkout, file), join(trial.directory, file)).catch(ignoreMissing);
  }
  await symlink(join(checkout, "node_modules"), join(trial.directory, "node_modules"));
  await run(
    "sh",
    ["-c", "git init -q && git add -A && git -c user.name=t -c user.email=t@t commit -qm x"],
    {
      cwd: trial.directory,
    },
  );
  await mkdir(join(trial.directory, ".hive"), { mode: 0o700 });
  const record = {
    root: trial.root,
    ...(process.getuid?.() === 0 ? { user: "hive" } : {}),
  };
  await writeFile(join(trial.directory, ".hive", "dev.json"), JSON.stringify(record));
  return trial;
}

/** Polls until `look` gives something; fails with `what` after `seconds`. */
export async function eventually<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${String(seconds)} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ESRCH") throw fault;
  }
}

/** Listens on 127.0.0.1; undefined when the port is taken already. */
export function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.end());
    server
      .once("error", () => {
        resolve(undefined);
      })
      .listen(port, "127.0.0.1", () => {
        resolve(server);
      });
  });
}

async function shell(line: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn("bash", ["-c", line, "bash", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(),
  });
  return await new Running(child).ended;
}

/** Without what a surrounding Pulumi or npm run would pass on. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(PULUMI_|npm_|NODE_OPTIONS)/.test(name)),
  );
}

function ignoreMissing(fault: unknown): void {
  if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
}
