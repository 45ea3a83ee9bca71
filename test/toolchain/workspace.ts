import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const fixtures = join(import.meta.dirname, "fixtures");

/** How a command of the CLI ended, and all it printed. */
export interface Outcome {
  code: number | null;
  output: string;
}

/** The folder of the prepared CLI; a sentence when there is none: these tests are not skipped. */
export function findTools(): { home: string; bin: string } {
  const script = join(root, "toolchain/prepare.ts");
  const { status, stdout } = spawnSync(process.execPath, [script, "--json"], { encoding: "utf8" });
  if (status !== 0) {
    throw new Error("the toolchain is not prepared: run `npm run up` or `npm test` once");
  }
  return JSON.parse(stdout) as { home: string; bin: string };
}

/** Fixture programs in a folder of their own, with a state, a passphrase and a stack `test`. */
export class Workspace {
  readonly directory: string;
  /** Marks every process that is started from here, in its environment. */
  readonly mark: string;
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const { home, bin } = findTools();
    this.directory = mkdtempSync(join(tmpdir(), "toolchain-"));
    this.mark = this.directory;
    cpSync(fixtures, this.directory, { recursive: true });
    symlinkSync(join(root, "node_modules"), join(this.directory, "node_modules"));
    // A home of its own, so that the logs and notes of these runs go with the folder.
    mkdirSync(join(this.directory, "home"));
    symlinkSync(join(home, "plugins"), join(this.directory, "home/plugins"));
    writeFileSync(join(this.directory, "passphrase"), "not a secret");
    const { HOME = "" } = process.env;
    this.env = {
      HOME,
      PATH: `${bin}:${join(root, "node_modules/.bin")}:/usr/bin:/bin`,
      FIXTURE_MARK: this.mark,
      FIXTURE_STARTED: join(this.directory, "started"),
      PULUMI_HOME: join(this.directory, "home"),
      PULUMI_BACKEND_URL: `file://${this.directory}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(this.directory, "passphrase"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_STACK: "test",
    };
  }

  /** Starts the CLI in the folder of a fixture. */
  start(fixture: string, ...args: string[]) {
    const options = { cwd: join(this.directory, fixture), env: this.env };
    const child = spawn("pulumi", [...args, "--non-interactive"], options);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => (output += data.toString()));
    }
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.once("error", reject).once("close", (code) => {
        resolve({ code, output });
      });
    });
    return { child, ended };
  }

  async run(fixture: string, ...args: string[]): Promise<Outcome> {
    return this.start(fixture, ...args).ended;
  }

  /** Makes the stack, with its configuration. */
  async init(fixture: string, config: string[] = []): Promise<void> {
    await this.run(fixture, "stack", "init", "test");
    for (const setting of config) await this.run(fixture, "config", "set", ...setting.split(" "));
  }

  /** The processes that were started from here and still run. */
  findProcesses(): string[] {
    return globSync("/proc/[0-9]*/environ").filter((file) => {
      try {
        return readFileSync(file, "utf8").includes(`FIXTURE_MARK=${this.mark}\0`);
      } catch {
        return false;
      }
    });
  }

  /** Takes the installed packages away. */
  removePackages(): void {
    unlinkSync(join(this.directory, "node_modules"));
  }

  append(file: string, text: string): void {
    appendFileSync(join(this.directory, file), text);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Polls until a condition holds; fails when it has not within ten seconds. */
export async function waitFor(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ten seconds`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
