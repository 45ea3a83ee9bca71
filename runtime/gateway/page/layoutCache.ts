import type { Layout } from "./layout.ts";

/**
 * Layouts by what they show: many requests of few people. Those used longest ago go first.
 * @param capacity some 8 KB each
 */
export class LayoutCache {
  #all = new Map<string, Layout>();
  readonly #capacity: number;

  constructor(capacity = 500) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#all.size;
  }

  find(key: string, make: () => Layout): Layout {
    const found = this.#all.get(key);
    if (found !== undefined) {
      // Last in the order of a Map is the one used last.
      if (this.#all.size >= this.#capacity) this.#keep(key, found);
      return found;
    }
    const made = make();
    this.#keep(key, made);
    return made;
  }

  #keep(key: string, layout: Layout): void {
    this.#all.delete(key);
    this.#all.set(key, layout);
    if (this.#all.size <= this.#capacity) return;
    for (const [oldest] of this.#all) {
      this.#all.delete(oldest);
      return;
    }
  }
}
