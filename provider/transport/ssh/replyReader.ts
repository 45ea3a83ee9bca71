import type { Reply } from "./remoteShell.ts";

/** Takes the stream of answers apart. What a login script prints before the marker is skipped. */
export class ReplyReader {
  /** Called when the marker has come. */
  ready: () => void = () => undefined;
  #buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #needed = 1;
  #marker: string | undefined;
  readonly #answer: (id: number, reply: Reply) => void;

  constructor(marker: string, answer: (id: number, reply: Reply) => void) {
    this.#marker = marker;
    this.#answer = answer;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    const length = this.#buffer.length + this.#chunks.reduce((sum, { length: n }) => sum + n, 0);
    if (length < this.#needed) return;
    this.#buffer = Buffer.concat([this.#buffer, ...this.#chunks.splice(0)]);
    while (this.#next());
  }

  /** Whether one whole line or answer was taken from the start. */
  #next(): boolean {
    const end = this.#buffer.indexOf("\n");
    this.#needed = this.#buffer.length + 1;
    if (end < 0) return false;
    const line = this.#buffer.subarray(0, end).toString("latin1");
    if (this.#marker !== undefined) {
      this.#buffer = this.#buffer.subarray(end + 1);
      if (line.endsWith(this.#marker)) {
        this.#marker = undefined;
        this.ready();
      }
      return true;
    }
    const found = /^@(\d+) (\d+) (\d+) (\d+)$/.exec(line)?.slice(1).map(Number);
    if (found === undefined) {
      this.#buffer = this.#buffer.subarray(end + 1);
      return true;
    }
    const [id = 0, code = 0, out = 0, err = 0] = found;
    const total = end + 1 + out + err;
    if (this.#buffer.length < total) {
      this.#needed = total;
      return false;
    }
    const stdout = Buffer.from(this.#buffer.subarray(end + 1, end + 1 + out));
    const stderr = this.#buffer.subarray(end + 1 + out, total).toString("utf8");
    this.#buffer = this.#buffer.subarray(total);
    this.#answer(id, { code, stdout, stderr });
    return true;
  }
}
