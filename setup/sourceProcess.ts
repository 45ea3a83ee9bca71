import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface SourceProcessOptions {
  readonly checkout: string;
  /** Path of its main.ts. */
  readonly main: string;
  /** The supervised service's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Told each line of both streams. */
  readonly line: (text: string) => void;
  /** Told when it ends without having been asked to. */
  readonly lost: () => void;
}

/** Milliseconds until a process that was asked to end is killed; services drain for 10 s. */
const patience = 15_000;

/** A service run from its sources: started again whenever a file that it imports is saved. */
export class SourceProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #ending = false;

  constructor({ checkout, main, env, line, lost }: SourceProcessOptions) {
    // Nobody waits for a proof of readiness here; the file is the supervised process's.
    const variables = { ...env, READY_FILE: undefined };
    const { PATH, HOME, USER, LOGNAME } = process.env;
    const node = [process.execPath, "--watch", "--watch-preserve-output", main];
    // TERM also when this process is killed: its children would keep the ports (prctl(2)).
    this.#child = spawn("setpriv", ["--pdeathsig", "TERM", "--", ...node], {
      cwd: checkout,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH, HOME, USER, LOGNAME, LANG: "C.UTF-8", ...variables },
    });
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      if (input !== null) createInterface({ input }).on("line", line);
    }
    this.#ended = once(this.#child, "close").then(
      () => undefined,
      (fault: unknown) => {
        line(String(fault));
      },
    );
    void this.#ended.then(() => {
      if (!this.#ending) lost();
    });
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#ending = true;
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), patience);
    await this.#ended;
    clearTimeout(late);
  }
}
