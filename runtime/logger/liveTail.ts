import type { Log } from "../kernel/log.ts";
import { Candidate } from "./matches.ts";
import type { Filter, LogStore } from "./store.ts";

/** Somebody who follows the log. */
export interface Follower {
  readonly filter: Filter;
  /**
   * Takes events that are written out (WHATWG HTML, server-sent events).
   * @returns false when it cannot take more; it is left alone then and comes back by itself
   */
  readonly send: (text: string) => boolean;
}

export interface LiveTailOptions {
  readonly store: Pick<LogStore, "horizon" | "after">;
  readonly log: Log;
  /** Milliseconds between two looks for new entries. Default 250. */
  readonly interval?: number;
}

/** Entries read at once. */
const pageSize = 1000;

/** One reader of new entries for all who follow: what they cost does not grow with their number. */
export class LiveTail {
  readonly #options: Required<LiveTailOptions>;
  /** With the number after which each began. */
  readonly #followers = new Map<Follower, number>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  /** Every entry up to this number was handed on. */
  #position = 0;
  #ended = false;

  constructor(options: LiveTailOptions) {
    this.#options = { interval: 250, ...options };
  }

  /** Number of the last entry that is there now: what comes after it is new. */
  async newest(): Promise<number> {
    return await this.#options.store.horizon();
  }

  /**
   * Sends what came after an entry, and then what comes.
   * @param from number of that entry
   * @returns ends it
   */
  async follow(follower: Follower, from: number): Promise<() => void> {
    const { store } = this.#options;
    if (this.#followers.size === 0) this.#position = await store.horizon();
    for (let position = from; position < this.#position;) {
      const until = this.#position;
      const entries = await store.after(position, until, follower.filter, pageSize);
      const taken = follower.send(entries.map((entry) => eventOf(entry)).join(""));
      if (!taken) return () => undefined;
      position = entries.length < pageSize ? until : (entries.at(-1)?.id ?? until);
    }
    // Nothing may be awaited between the last comparison and here.
    this.#followers.set(follower, from);
    if (this.#followers.size === 1) this.#plan();
    return () => {
      this.#followers.delete(follower);
    };
  }

  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#followers.clear();
    await this.#round;
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#round = this.#look().finally(() => {
        if (!this.#ended && this.#followers.size > 0) this.#plan();
      });
    }, this.#options.interval).unref();
  }

  async #look(): Promise<void> {
    const { store, log } = this.#options;
    try {
      const horizon = await store.horizon();
      while (this.#position < horizon) {
        const entries = await store.after(this.#position, horizon, {}, pageSize);
        const last = entries.at(-1)?.id;
        this.#position = entries.length < pageSize || last === undefined ? horizon : last;
        this.#handOn(entries.map((entry) => new Candidate(entry)));
      }
    } catch (fault) {
      // Nothing is lost: the next look begins where this one did.
      log.debug({ err: fault }, "new entries cannot be read now");
    }
  }

  #handOn(candidates: readonly Candidate[]): void {
    const events = candidates.map(({ entry }) => eventOf(entry));
    const all = events.join("");
    for (const [follower, from] of [...this.#followers]) {
      const own = events.filter((_, index) => {
        const candidate = candidates[index];
        return (
          candidate !== undefined && candidate.entry.id > from && candidate.matches(follower.filter)
        );
      });
      if (own.length === 0) continue;
      const taken = follower.send(own.length === events.length ? all : own.join(""));
      if (!taken) this.#followers.delete(follower);
    }
  }
}

/** JSON has no line feeds of its own, so that an entry cannot end its event or begin another. */
function eventOf(entry: { readonly id: number }): string {
  return `id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`;
}
