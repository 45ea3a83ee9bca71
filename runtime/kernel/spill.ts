import { open, rm, truncate, type FileHandle } from "node:fs/promises";

/** Lines read from the file at once are not longer than this together, unless a single one is. */
const pieceLength = 262_144;

/** Lines of text that wait on the disk, first in, first out; bounded, and still there after a crash. */
export class SpillFile {
  readonly #path: string;
  readonly #limit: number;
  #file: FileHandle | undefined;
  #size = 0;
  /** Where the next line to read begins. After a crash it is 0 again: lines come twice rather than never. */
  #position = 0;

  /** @param limit bytes of the file */
  constructor(path: string, limit: number) {
    this.#path = path;
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#position >= this.#size;
  }

  /** Opens what an earlier process left. */
  async open(): Promise<void> {
    if (this.#file !== undefined) return;
    this.#file = await open(this.#path, "a+", 0o600);
    ({ size: this.#size } = await this.#file.stat());
  }

  /** @returns how many of the lines found room, from the first on */
  async append(lines: readonly string[]): Promise<number> {
    await this.open();
    let text = "";
    let count = 0;
    for (const line of lines) {
      const length = Buffer.byteLength(line) + 1;
      if (this.#size + Buffer.byteLength(text) + length > this.#limit) break;
      text += `${line}\n`;
      count += 1;
    }
    if (count > 0) await this.#file?.appendFile(text);
    this.#size += Buffer.byteLength(text);
    return count;
  }

  /**
   * The next lines, at most so many; they stay until `done` is called.
   * @returns what to hand to `done`, with the lines
   */
  async read(most: number): Promise<{ readonly lines: string[]; readonly end: number }> {
    await this.open();
    for (let length = pieceLength; ; length *= 2) {
      const buffer = Buffer.alloc(Math.min(length, this.#size - this.#position));
      const found = await this.#file?.read(buffer, 0, buffer.length, this.#position);
      const text = buffer.toString("utf8", 0, found?.bytesRead ?? 0);
      const lines = text.split("\n").slice(0, -1).slice(0, most);
      const used = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
      if (lines.length > 0) return { lines, end: this.#position + used };
      // A crash may have cut the last line short.
      if (buffer.length === this.#size - this.#position) return { lines, end: this.#size };
    }
  }

  /** Lets go of what was read; an empty file gives its room back. */
  async done(end: number): Promise<void> {
    this.#position = end;
    if (!this.isEmpty) return;
    await truncate(this.#path, 0);
    [this.#size, this.#position] = [0, 0];
  }

  /** Removes the file when nothing waits in it. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (this.isEmpty) await rm(this.#path, { force: true });
  }
}
