import type { Filter, StoredEntry } from "./store.ts";
import { formsOf } from "./traceId.ts";
import { wordsOf } from "./words.ts";

/** An entry as it is looked at by many filters; its words are found when the first one asks. */
export class Candidate {
  readonly entry: StoredEntry;
  #words: ReadonlySet<string> | undefined;

  constructor(entry: StoredEntry) {
    this.entry = entry;
  }

  /** What the database decides by `conditionOf`, for an entry that is at hand. */
  matches(filter: Filter): boolean {
    const { service_name: service, level, trace_id: trace, timestamp } = this.entry;
    const { services, traceId, start, end, words = [] } = filter;
    return (
      (filter.service === undefined || filter.service === service) &&
      (services === undefined || services.includes(service)) &&
      (filter.level === undefined || filter.level === level) &&
      (traceId === undefined || (trace !== null && formsOf(traceId).includes(trace))) &&
      (start === undefined || timestamp >= start) &&
      (end === undefined || timestamp <= end) &&
      words.every((word) => this.#has(word))
    );
  }

  #has(word: string): boolean {
    this.#words ??= new Set(wordsOf(this.entry.message));
    if (!word.endsWith("*")) return this.#words.has(word);
    const beginning = word.slice(0, -1);
    return [...this.#words].some((one) => one.startsWith(beginning));
  }
}
