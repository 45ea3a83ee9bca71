/** How many of something each one has at a time, so that nobody takes all of it. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one more. @returns false: there are as many as there may be, and nothing was counted */
  take(key: string, most: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= most) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  release(key: string): void {
    const rest = (this.#counts.get(key) ?? 1) - 1;
    if (rest > 0) this.#counts.set(key, rest);
    else this.#counts.delete(key);
  }
}
