import { connect, type Socket } from "node:net";

import { ChunkedBody } from "./chunkedBody.ts";
import { readResponseHead, ResponseError, type ResponseHead } from "./responseHead.ts";

/** What a request without a body says. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, without Host and Connection. */
  readonly headers: readonly string[];
  /** Milliseconds until the head of the answer is there. */
  readonly timeout: number;
}

type Fields = Record<string, string | string[] | undefined>;

/** Told of what comes, in this order; of a fault at any time, and of nothing after it. */
export interface ResponseHandler {
  onRequestStart(controller: Controller): void;
  onResponseStart(controller: Controller, status: number, headers: Fields): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(controller: Controller, trailers: Fields): void;
  onResponseError(controller: Controller | null, fault: Error): void;
}

export interface Controller {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Free for the next request. */
  readonly onFree: (connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
}

/** Bytes of the head of an answer. */
const longestHead = 65_536;

/** What is read into; copied before the next read, so one for all connections. */
const room = Buffer.allocUnsafeSlow(65_536);

const headEnd = Buffer.from("\r\n\r\n");

/** One kept connection to a backend: one request after the other, never two at a time. */
export class Connection implements Controller {
  /** When it became free; by `performance.now()`. */
  since = performance.now();
  #deadline = Infinity;
  readonly #connectDeadline: number;
  #handler: ResponseHandler | undefined;
  #method = "";
  #head: ResponseHead | undefined;
  /** Of a head that has begun, a copy. */
  #begun: Buffer | undefined;
  /** Bytes of the body to come. */
  #left = 0;
  #chunks: ChunkedBody | undefined;
  #isClosed = false;
  #isPaused = false;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #hostLine: string;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connectDeadline = performance.now() + options.connectTimeout;
    this.#hostLine = `Host: ${options.host}:${String(options.port)}\r\n`;
    this.#socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        buffer: room,
        callback: (length) => {
          this.#read(room.subarray(0, length));
          return !this.#isPaused;
        },
      },
    });
    this.#socket.on("error", (fault) => {
      this.#fail(fault);
    });
    this.#socket.once("end", () => {
      this.#finish();
    });
    this.#socket.once("close", () => {
      this.#finish();
    });
  }

  send({ method, path, headers, timeout }: PlainRequest, handler: ResponseHandler): void {
    let text = `${method} ${path} HTTP/1.1\r\n${this.#hostLine}`;
    for (let at = 0; at < headers.length; at += 2) {
      text += `${headers[at] ?? ""}: ${headers[at + 1] ?? ""}\r\n`;
    }
    this.#handler = handler;
    this.#method = method;
    this.#deadline = performance.now() + timeout;
    this.#socket.write(`${text}Connection: keep-alive\r\n\r\n`, "latin1");
  }

  /** Looks at the clock. @param idle milliseconds it may be kept for the next request */
  check(now: number, idle: number): void {
    if (this.#socket.connecting) {
      if (now > this.#connectDeadline) this.#fail(new Error("no connection in time"));
    } else if (this.#handler === undefined) {
      if (now - this.since > idle) this.close();
    } else if (this.#head === undefined && now > this.#deadline) {
      this.#fail(new ResponseTimeout());
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  abort(reason: Error): void {
    this.#fail(reason);
  }

  close(): void {
    this.#fail(new Error("closed"));
  }

  #read(data: Buffer): void {
    try {
      const handler = this.#handler;
      // A backend that speaks without being asked would answer the next request with it.
      if (handler === undefined) throw new ResponseError("an answer to no request");
      if (this.#head === undefined) this.#readHead(data, handler);
      else this.#readBody(data, handler);
    } catch (fault) {
      this.#fail(fault as Error);
    }
  }

  #readHead(data: Buffer, handler: ResponseHandler): void {
    const all = this.#begun === undefined ? data : Buffer.concat([this.#begun, data]);
    const end = all.indexOf(headEnd);
    if (end === -1 || end > longestHead) {
      if (all.length > longestHead) throw new ResponseError("a head without an end");
      this.#begun = Buffer.from(all);
      return;
    }
    this.#begun = undefined;
    const head = readResponseHead(all.toString("latin1", 0, end), this.#method);
    const rest = all.subarray(end + 4);
    if (head.status === 101) throw new ResponseError("another protocol");
    if (head.status < 200) {
      if (rest.length > 0) this.#readHead(rest, handler);
      return;
    }
    this.#head = head;
    this.#left = typeof head.body === "number" ? head.body : 0;
    this.#chunks = head.body === "chunked" ? new ChunkedBody() : undefined;
    handler.onResponseStart(this, head.status, head.headers);
    if (this.#handler !== handler) return;
    if (head.body === 0) this.#end(handler, {}, rest.length);
    else if (rest.length > 0) this.#readBody(rest, handler);
  }

  #readBody(data: Buffer, handler: ResponseHandler): void {
    // The room it lies in is read into again.
    const copy = Buffer.from(data);
    if (this.#chunks !== undefined) {
      const used = this.#chunks.write(copy, (part) => {
        if (this.#handler === handler) handler.onResponseData(this, part);
      });
      const { trailers } = this.#chunks;
      if (trailers !== undefined && this.#handler === handler) {
        this.#end(handler, trailers, copy.length - used);
      }
      return;
    }
    if (this.#head?.body === "close") {
      handler.onResponseData(this, copy);
      return;
    }
    const used = Math.min(copy.length, this.#left);
    this.#left -= used;
    handler.onResponseData(this, used === copy.length ? copy : copy.subarray(0, used));
    if (this.#left === 0 && this.#handler === handler) this.#end(handler, {}, copy.length - used);
  }

  #end(handler: ResponseHandler, trailers: ResponseHead["headers"], surplus: number): void {
    const isKept = this.#head?.keepAlive === true && surplus === 0 && !this.#isClosed;
    this.#handler = undefined;
    this.#head = undefined;
    this.#chunks = undefined;
    handler.onResponseEnd(this, trailers);
    if (!isKept) this.close();
    else {
      this.since = performance.now();
      if (this.#isPaused) this.resume();
      this.#options.onFree(this);
    }
  }

  /** The backend has no more to say. */
  #finish(): void {
    const handler = this.#handler;
    if (handler !== undefined && this.#head?.body === "close") this.#end(handler, {}, 1);
    else this.#fail(new ConnectionLost());
  }

  #fail(fault: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#socket.destroy();
      this.#options.onClose(this);
    }
    handler?.onResponseError(this, fault);
  }
}

/** The connection ended before the answer did; for the word by which undici says so. */
class ConnectionLost extends Error {
  readonly code = "UND_ERR_SOCKET";
}

/** No head in time; for the word by which undici says so. */
class ResponseTimeout extends Error {
  readonly code = "UND_ERR_HEADERS_TIMEOUT";
}
