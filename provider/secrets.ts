import { type Properties, valueAt } from "./wire.ts";

const shown = "[secret]";
/** Shorter ones would mask half of every sentence. */
const shortest = 4;

/** Every secret this process was given, so that none of them reaches a message. */
export class Secrets {
  readonly #values = new Set<string>();

  /** Remembers the secrets of a request. */
  learn(...all: readonly Properties[]): void {
    for (const { values, secrets } of all) {
      for (const path of secrets) this.add(valueAt(values, path));
    }
  }

  /** Remembers every text in a secret value, also the lines of a longer one, as logs show them. */
  add(value: unknown): void {
    if (typeof value === "string") {
      for (const text of [value, ...value.split("\n")]) {
        const trimmed = text.trim();
        if (trimmed.length < shortest) continue;
        this.#values.add(trimmed);
        this.#values.add(encodeURIComponent(trimmed));
        this.#values.add(JSON.stringify(trimmed).slice(1, -1));
      }
    } else if (typeof value === "object" && value !== null) {
      Object.values(value).forEach((item) => {
        this.add(item);
      });
    }
  }

  /** The text with every known secret hidden; the longest first, since one may contain another. */
  mask(text: string): string {
    let masked = text;
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      masked = masked.replaceAll(value, shown);
    }
    return masked;
  }
}
