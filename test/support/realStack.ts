import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { prepareTools } from "../../setup/tools.ts";
import { checkout, createTrial, type Outcome, Running, type Trial } from "./trial.ts";

/** `hivematrix:host` of a stack, and other keys of it, without their namespace. */
export interface RealStackOptions {
  readonly host: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A stack `prod` for a real host: a copy of the checkout, its state in a folder of its own. */
export class RealStack {
  readonly directory: string;
  readonly #trial: Trial;
  readonly #state: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(trial: Trial, state: string, env: NodeJS.ProcessEnv) {
    this.#trial = trial;
    this.directory = trial.directory;
    this.#state = state;
    this.#env = env;
  }

  static async create(options: RealStackOptions): Promise<RealStack> {
    const trial = await createTrial();
    const state = await mkdtemp(join(tmpdir(), "hivematrix-state-"));
    const env: NodeJS.ProcessEnv = {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^(PULUMI_|npm_|NODE_OPTIONS)/.test(name)),
      ),
      ...(await prepareTools(checkout)).env,
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    const stack = new RealStack(trial, state, env);
    await stack.configure(options);
    const { code, text } = await stack.pulumi("stack", "init", "--secrets-provider", "passphrase");
    if (code !== 0) throw new Error(text);
    return stack;
  }

  /** Writes Pulumi.prod.yaml anew; the salt of its secrets stays. */
  async configure({ host, config = {} }: RealStackOptions): Promise<void> {
    const path = join(this.directory, "Pulumi.prod.yaml");
    const former = await readFile(path, "utf8").catch(() => "");
    const salt = /^encryptionsalt:.*$/m.exec(former)?.[0] ?? "";
    const keys = Object.entries({ host, ...config }).map(
      ([key, value]) => `  hivematrix:${key}: ${JSON.stringify(value)}`,
    );
    const lines = ["config:", '  pulumi:disable-default-providers: ["*"]', ...keys, salt];
    await writeFile(path, `${lines.join("\n")}\n`);
  }

  /** `npm run VERB -- -s prod`. */
  run(verb: string, ...args: string[]): Promise<Outcome> {
    return this.#start(process.execPath, ["setup/main.js", verb, "-s", "prod", ...args]);
  }

  pulumi(verb: string, ...args: string[]): Promise<Outcome> {
    const common = ["--stack", "prod", "--non-interactive", "--color=never"];
    const words = verb === "stack" && args[0] === "init" ? ["init", "prod"] : [];
    if (words.length > 0) {
      return this.#start("pulumi", [verb, ...words, ...args.slice(1), "--non-interactive"]);
    }
    return this.#start("pulumi", [verb, ...args, ...common]);
  }

  /** A plain verb of Pulumi's. @throws Error with what it printed */
  async must(verb: string, ...args: string[]): Promise<string> {
    const { code, text } = await this.pulumi(verb, ...args);
    if (code !== 0) throw new Error(`pulumi ${verb} ${args.join(" ")}:\n${text}`);
    return text;
  }

  hive(...args: string[]): Promise<Outcome> {
    return this.#start(process.execPath, ["cli/hive.js", ...args]);
  }

  /** Replaces a text in a file of the copy. */
  async edit(path: string, from: string, to: string): Promise<void> {
    const text = await readFile(join(this.directory, path), "utf8");
    if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
    await writeFile(join(this.directory, path), text.replace(from, to));
  }

  async remove(): Promise<void> {
    await this.#trial.remove();
    await rm(this.#state, { recursive: true, force: true });
  }

  async #start(program: string, args: readonly string[]): Promise<Outcome> {
    await mkdir(join(this.directory, ".hive"), { recursive: true });
    const child = spawn(program, args, {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: this.#env,
      detached: true,
    });
    return await new Running(child).ended;
  }
}
