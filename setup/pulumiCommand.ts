import { spawn } from "node:child_process";

import { startChild } from "./child.js";
import { SetupError } from "./setupError.ts";
import type { Terminal } from "./terminal.js";

export interface PulumiOptions {
  readonly checkout: string;
  readonly stack: string;
  /** Added to our environment; secrets travel here and in files, never in arguments. */
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: Terminal;
  /** Gives the config file for a verb that takes one; undefined: Pulumi's own choice. */
  readonly configFile?: (() => string) | undefined;
}

/** Verbs that take `--config-file`. */
const configured = new Set(["up", "preview", "refresh", "destroy"]);

/** The Pulumi CLI on one stack. Each command is shown before it runs. */
export class Pulumi {
  readonly #options: PulumiOptions;

  constructor(options: PulumiOptions) {
    this.#options = options;
  }

  /**
   * Runs a command with the user's terminal.
   * @throws SetupError with Pulumi's exit code when it fails; Pulumi has said why
   */
  async run(verb: string, args: readonly string[] = []): Promise<void> {
    const { checkout, terminal } = this.#options;
    const all = this.#arguments(verb, args);
    terminal.line(terminal.bold(`$ pulumi ${all.map(quote).join(" ")}`));
    const code = await startChild("pulumi", all, { cwd: checkout, env: this.#env() }).ended;
    if (code !== 0) {
      throw new SetupError(
        `\`pulumi ${verb}\` failed; it says why above. Repair that and run the same command: it goes on from here.`,
        code,
      );
    }
  }

  /**
   * Runs a command without showing it.
   * @param input for its stdin
   * @returns what it printed
   * @throws SetupError with its error output
   */
  async read(verb: string, args: readonly string[] = [], input = ""): Promise<string> {
    const all = [...this.#arguments(verb, args), "--non-interactive"];
    const child = spawn("pulumi", all, { cwd: this.#options.checkout, env: this.#env() });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined).end(input);
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => {
        resolve(status ?? 1);
      });
    });
    if (code !== 0) throw new SetupError(`\`pulumi ${verb}\` failed: ${stderr.trim()}`, code);
    return stdout;
  }

  #arguments(verb: string, args: readonly string[]): string[] {
    const { stack, configFile } = this.#options;
    const words = verb.split(" ");
    const own = args.some((arg) => arg === "--config-file" || arg.startsWith("--config-file="));
    const config =
      configFile !== undefined && !own && configured.has(verb)
        ? ["--config-file", configFile()]
        : [];
    return [...words, "--stack", stack, ...config, ...args];
  }

  #env(): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = { ...process.env, ...this.#options.env };
    // The passphrase itself would outrank the file that belongs to this state.
    if (this.#options.env["PULUMI_CONFIG_PASSPHRASE_FILE"]) delete env["PULUMI_CONFIG_PASSPHRASE"];
    // `hive env` sets it for the user's own pulumi; here each command says which file it wants.
    delete env["PULUMI_OPTION_CONFIG_FILE"];
    return env;
  }
}

/** As a person would type it. */
export function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
