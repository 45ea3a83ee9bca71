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

  find(key: string): Layout | undefined {
    const found = this.#all.get(key);
    // Last in the order of a Map is the one used last; it matters only when some have to go.
    if (found !== undefined && this.#all.size >= this.#capacity) this.keep(key, found);
    return found;
  }

  keep(key: string, layout: Layout): Layout {
    this.#all.delete(key);
    this.#all.set(key, layout);
    if (this.#all.size > this.#capacity) this.#all.delete(String(this.#all.keys().next().value));
    return layout;
  }
}
