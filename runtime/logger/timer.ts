import type { Log } from "../kernel/log.ts";

/** Work that is done again and again, one time after the other; a fault is told once. */
export class Timer {
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #failed = false;
  #ended = false;
  readonly #name: string;
  readonly #log: Log;
  readonly #interval: number;
  readonly #round: () => Promise<unknown>;

  /**
   * @param name of the work, for the log
   * @param interval milliseconds between the end of a round and the next
   */
  constructor(name: string, log: Log, interval: number, round: () => Promise<unknown>) {
    this.#name = name;
    this.#log = log;
    this.#interval = interval;
    this.#round = round;
    this.#plan();
  }

  /** Ends with the round that is under way. */
  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#work;
  }

  #plan(): void {
    if (this.#ended) return;
    this.#timer = setTimeout(() => {
      this.#work = this.#run().then(() => {
        this.#plan();
      });
    }, this.#interval).unref();
  }

  async #run(): Promise<void> {
    try {
      await this.#round();
      if (this.#failed) this.#log.info(`${this.#name} works again`);
      this.#failed = false;
    } catch (fault) {
      if (!this.#failed) this.#log.warn({ err: fault }, `${this.#name} does not work now`);
      this.#failed = true;
    }
  }
}
