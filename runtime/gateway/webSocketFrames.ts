import { Transform, type TransformCallback } from "node:stream";

/** Why a WebSocket ends (RFC 6455, 7.4.1, and its registry). */
export const closeCodes = {
  /** The session has ended. */
  policy: 1008,
  /** Come again: the gateway is being replaced. */
  restart: 1012,
} as const;

/** A whole Close frame of a server: not masked (RFC 6455, 5.5.1). */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason).subarray(0, 120);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

/**
 * Passes the frames of a backend and knows where one ends, so that a Close frame can be put after
 * it: put anywhere else, it would be read as a part of what is being sent.
 */
export class FrameStream extends Transform {
  /** Of the frame that is passing: bytes of its head so far, and those of its payload to come. */
  #head: number[] = [];
  #payload = 0;
  #closing: Buffer | undefined;
  #isClosed = false;

  /** Ends the stream with a Close frame, as soon as the frame that is passing has. */
  closeWith(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#closing = frame;
    if (this.#head.length === 0 && this.#payload === 0) this.#close();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#isClosed) {
      done();
      return;
    }
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const step = Math.min(this.#payload, chunk.length - at);
        this.#payload -= step;
        at += step;
      } else {
        this.#head.push(chunk[at] ?? 0);
        at += 1;
        const length = payloadLength(this.#head);
        if (length === undefined) continue;
        this.#payload = length;
        this.#head = [];
      }
      if (this.#closing !== undefined && this.#head.length === 0 && this.#payload === 0) {
        this.push(chunk.subarray(0, at));
        this.#close();
        done();
        return;
      }
    }
    done(null, chunk);
  }

  #close(): void {
    this.#isClosed = true;
    this.push(this.#closing);
    this.push(null);
  }
}

/** Bytes that follow the head of a frame, its mask among them; undefined: the head is not whole (RFC 6455, 5.2). */
function payloadLength(head: readonly number[]): number | undefined {
  const [, second] = head;
  if (second === undefined) return undefined;
  const mask = (second & 0x80) === 0 ? 0 : 4;
  const short = second & 0x7f;
  const further = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (head.length < 2 + further) return undefined;
  if (further === 0) return short + mask;
  return head.slice(2, 2 + further).reduce((sum, byte) => sum * 256 + byte, 0) + mask;
}
