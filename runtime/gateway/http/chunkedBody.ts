import { readFields, ResponseError } from "./responseHead.ts";

/** Bytes of a line with a length and its extensions, and of all trailers. */
const longestLine = 256;
const longestTrailers = 8192;

/** A body in chunks (RFC 9112, 7.1), as its bytes come. */
export class ChunkedBody {
  /** After the last chunk; undefined until then. */
  trailers: Record<string, string | string[]> | undefined;
  #mode: "size" | "data" | "end" | "trailers" = "size";
  /** Of the chunk that is passing. */
  #left = 0;
  /** The line that has begun. */
  #line = "";

  /**
   * @param push is given what is content
   * @returns how many bytes belonged to the body: fewer than there are only when it has ended
   * @throws ResponseError
   */
  write(data: Buffer, push: (part: Buffer) => void): number {
    let at = 0;
    while (at < data.length && this.trailers === undefined) {
      if (this.#mode === "data") {
        const end = Math.min(data.length, at + this.#left);
        push(data.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#mode = "end";
      } else at = this.#readLine(data, at);
    }
    return at;
  }

  #readLine(data: Buffer, at: number): number {
    const found = data.indexOf(0x0a, at);
    const end = found === -1 ? data.length : found + 1;
    this.#line += data.toString("latin1", at, end);
    const isTrailers = this.#mode === "trailers";
    if (this.#line.length > (isTrailers ? longestTrailers : longestLine)) {
      throw new ResponseError("a line without an end");
    }
    if (found === -1) return end;
    if (!this.#line.endsWith("\r\n")) throw new ResponseError("half an end of a line");
    if (isTrailers) {
      if (this.#line === "\r\n") this.trailers = {};
      else if (this.#line.endsWith("\r\n\r\n")) {
        this.trailers = readFields(this.#line.slice(0, -4), 0);
      }
    } else {
      if (this.#mode === "end" && this.#line !== "\r\n")
        throw new ResponseError("no end of a chunk");
      if (this.#mode === "size") this.#begin(this.#line.slice(0, -2));
      else this.#mode = "size";
      this.#line = "";
    }
    return end;
  }

  #begin(line: string): void {
    const [, size] = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
    if (size === undefined) throw new ResponseError("no length of a chunk");
    this.#left = parseInt(size, 16);
    this.#mode = this.#left === 0 ? "trailers" : "data";
  }
}
