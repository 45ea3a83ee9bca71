import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { cacheFolder } from "../../setup/machine.js";
import { freePort } from "./freePort.ts";

const run = promisify(execFile);

/** The system's rather than one of this user's alone: services run as another user. */
const systemPython = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/** Sources of flasky; its working directory is another one. */
export const flaskFolder = join(import.meta.dirname, "flask");

/**
 * Python with what flasky needs, made once per machine in the cache (about 60 MB).
 * @returns path of the Python
 * @throws Error naming the Debian package that is missing
 */
export async function ensureFlask(interpreter = systemPython): Promise<string> {
  const requirements = join(flaskFolder, "requirements.txt");
  const version = await askVersion(interpreter);
  const hash = createHash("sha256")
    .update(interpreter + version)
    .update(readFileSync(requirements));
  const folder = join(cacheFolder(), `test-flask-${hash.digest("hex").slice(0, 12)}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;

  process.stdout.write(`  flasky's packages (pip, once on this machine) → ${folder}\n`);
  mkdirSync(cacheFolder(), { recursive: true });
  const beside = mkdtempSync(`${folder}-`);
  try {
    await makeEnvironment(interpreter, beside, requirements);
    renameSync(beside, folder);
  } catch (fault) {
    // Other tests may have been quicker.
    if (!existsSync(python)) throw fault;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return python;
}

async function askVersion(interpreter: string): Promise<string> {
  try {
    return (await run(interpreter, ["--version"])).stdout.trim();
  } catch (cause) {
    throw new Error(`The Flask service of the tests needs Python: ${advice}`, { cause });
  }
}

const advice = "sudo apt-get install --no-install-recommends python3-venv";

async function makeEnvironment(
  interpreter: string,
  folder: string,
  requirements: string,
): Promise<void> {
  try {
    await run(interpreter, ["-m", "venv", folder]);
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    if (!/ensurepip|No module named venv/.test(stdout + stderr)) throw cause;
    throw new Error(`The Flask service of the tests needs Python's venv: ${advice}`, { cause });
  }
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  await run(join(folder, "bin", "python"), [...pip, "-r", requirements]);
}

export interface FlaskOptions {
  /** TCP port on 127.0.0.1; default a free one. */
  readonly port?: number;
  /** What an installer would write into .flaskenv. */
  readonly env?: Readonly<Record<string, string>>;
  /** What services.json says. */
  readonly services?: Readonly<Record<string, { readonly url: string }>>;
  /** For SQLAlchemy; default a database in memory. */
  readonly database?: string;
}

/** A flasky that runs. */
export interface Flask {
  readonly url: string;
  /** What it wrote so far, both streams. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

/** Starts flasky in a temporary directory of its own; resolves when it answers. */
export async function startFlask(options: FlaskOptions = {}): Promise<Flask> {
  const python = await ensureFlask();
  const { port = await freePort(), env = {}, services = {}, database } = options;
  const folder = mkdtempSync(join(tmpdir(), "hivematrix-flasky-"));
  const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, ".flaskenv"), lines.join(""), { mode: 0o600 });
  writeFileSync(join(folder, "services.json"), JSON.stringify(services));
  if (database !== undefined) {
    mkdirSync(join(folder, "instance"));
    const text = `[database]\nconnection_string = ${database}\n`;
    writeFileSync(join(folder, "instance", "flasky.conf"), text, { mode: 0o600 });
  }

  const child = spawn(python, [join(flaskFolder, "run.py")], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], LANG: "C.UTF-8", FLASK_RUN_PORT: String(port) },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${String(port)}`;
  try {
    await answers(url, child);
  } catch (cause) {
    await stop();
    throw new Error(`flasky does not start:\n${output}`, { cause });
  }
  return { url, output: () => output, stop };
}

/** Any answer will do: without a token it is 401. */
async function answers(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch (fault) {
      if (child.exitCode !== null || Date.now() > deadline) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
