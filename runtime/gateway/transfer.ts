import { ServiceError } from "../kernel/serviceError.ts";
import { decoderFor, type Decoder } from "./decoder.ts";
import type { Exchange } from "./exchange.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Controller, ResponseHandler } from "./http/connection.ts";
import type { ForwardedResponse } from "./responseHeaders.ts";
import { upstreamFault } from "./upstreamFault.ts";

/** Puts something into a page while it passes. */
export interface Composer {
  readonly write: (chunk: Buffer, push: (part: Buffer) => void) => void;
  readonly end: (push: (part: Buffer) => void) => void;
}

/** What transfers have in common. */
export interface TransferContext {
  readonly responseHeaders: (from: ForwardedResponse) => (string | string[])[];
  /** Counts the seconds; read, never asked for the time. */
  readonly clock: { readonly tick: number };
  /** Seconds without a byte from the backend, but for event streams. */
  readonly idle: number;
  /** Seconds for which a client may read nothing. */
  readonly stalled: number;
}

/** What came of it. `answered`: the backend spoke HTTP. */
export interface TransferEnd {
  readonly answered: boolean;
  /** Nothing was sent to the client yet. */
  readonly fault?: unknown;
  /** Something was, and the connection is cut. */
  readonly cut?: unknown;
}

/**
 * Passes one answer from a backend to its client as it comes. What is there at once goes out as one
 * piece, with its length; nothing is held back longer than the tick it came in.
 */
export class Transfer implements ResponseHandler {
  /** An event stream, which ends with the session and when the gateway ends. */
  isStream = false;
  #controller: Controller | undefined;
  #answered = false;
  #status = 0;
  /** Of the client's answer; undefined as soon as they are sent. */
  #head: (string | string[])[] | undefined;
  #hasLength = false;
  #composer: Composer | undefined;
  #decoder: Decoder | undefined;
  #pending: Buffer[] = [];
  #isPlanned = false;
  #isPaused = false;
  /** The end was told; what may still come is of no interest. */
  #isOver = false;
  /** When something moved last. */
  #moved: number;
  readonly #exchange: Exchange;
  readonly #forwarding: Forwarding;
  readonly #context: TransferContext;
  readonly #done: (end: TransferEnd) => void;
  readonly #onStream: (transfer: Transfer) => void;

  constructor(
    exchange: Exchange,
    forwarding: Forwarding,
    context: TransferContext,
    done: (end: TransferEnd) => void,
    onStream: (transfer: Transfer) => void,
  ) {
    this.#exchange = exchange;
    this.#forwarding = forwarding;
    this.#context = context;
    this.#done = done;
    this.#onStream = onStream;
    this.#moved = context.clock.tick;
  }

  /** The client has gone, or nobody is to hear the rest. */
  leave(): void {
    if (this.#isOver) return;
    this.#abandon("left");
    this.#done({ answered: true });
  }

  /** Ends a stream whose session has ended, or that would outlast the gateway. */
  cut(): void {
    this.leave();
    this.#exchange.response.destroy();
  }

  /** Called every second: ends what does not move. */
  check(): void {
    const { clock, idle, stalled } = this.#context;
    const still = clock.tick - this.#moved;
    if (this.#isPaused ? still > stalled : this.#answered && !this.isStream && still > idle) {
      this.#cutOff(new Error(this.#isPaused ? "the client does not read" : "nothing more came"));
    }
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error("left"));
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#answered = true;
    this.#moved = this.#context.clock.tick;
    const { id } = this.#exchange;
    const { compose, personal, policy, rewriteLocation } = this.#forwarding;
    const type = mediaType(headers["content-type"]);
    this.isStream = type === "text/event-stream";
    const isPage = type === "text/html";
    const etag = headers["etag"];
    const composed = this.#beginPage(status, isPage, headers["content-encoding"]);
    this.#status = status;
    this.#hasLength = !composed && headers["content-length"] !== undefined;
    this.#head = this.#context.responseHeaders({
      headers,
      requestId: id,
      rewriteLocation,
      composed,
      etag: composed && typeof etag === "string" ? compose?.etag(etag) : undefined,
      personal,
      policy,
      isPage: isPage || type === "application/xhtml+xml" || type === "image/svg+xml",
    });
    if (this.isStream) this.#onStream(this);
    this.#plan();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#moved = this.#context.clock.tick;
    if (this.#decoder !== undefined) {
      if (!this.#decoder.write(chunk)) controller.pause();
    } else if (this.#composer !== undefined) this.#composer.write(chunk, this.#push);
    else this.#pending.push(chunk);
    this.#plan();
  }

  onResponseEnd(
    _controller: Controller,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver) return;
    // The connection may be about another request by now.
    this.#controller = undefined;
    if (this.#decoder !== undefined) this.#decoder.end();
    else this.#end(trailers);
  }

  onResponseError(_controller: Controller | null, fault: Error): void {
    if (this.#isOver) return;
    this.#cutOff(fault);
  }

  /** @returns whether the answer is a page that is completed, though it may come without its body */
  #beginPage(status: number, isPage: boolean, encoding: string | string[] | undefined): boolean {
    const { compose } = this.#forwarding;
    if (compose === undefined) return false;
    if (status === 304) return true;
    if (!isPage || status === 206) return false;
    if (this.#exchange.request.method === "HEAD") return true;
    this.#decoder = decoderFor(encoding, {
      push: (part) => {
        this.#composer?.write(part, this.#push);
        this.#plan();
      },
      drain: () => {
        if (!this.#isPaused) this.#controller?.resume();
      },
      end: (fault) => {
        this.#decoded(fault);
      },
    });
    if (this.#decoder === undefined && !isPlain(encoding)) return false;
    this.#composer = compose.begin();
    return true;
  }

  readonly #push = (part: Buffer): void => {
    this.#pending.push(part);
  };

  #decoded(fault: Error | undefined): void {
    if (this.#isOver) return;
    if (fault !== undefined) this.#cutOff(fault);
    else this.#end({});
  }

  #end(trailers: Record<string, string | string[] | undefined>): void {
    const { response } = this.#exchange;
    this.#composer?.end(this.#push);
    const body = this.#take();
    if (this.#head !== undefined) {
      const mayHaveBody = this.#status !== 204 && this.#status !== 304;
      const hasTrailers = this.#head.includes("trailer");
      if (
        !this.#hasLength &&
        mayHaveBody &&
        !hasTrailers &&
        this.#exchange.request.method !== "HEAD"
      ) {
        this.#head.push("content-length", String(body?.length ?? 0));
      }
      this.#writeHead();
    }
    // Only a chunked answer has a place for them (RFC 9112, 7.1.2).
    for (const [name, value] of Object.entries(trailers)) {
      if (value !== undefined) response.addTrailers([[name, String(value)]]);
    }
    response.end(body);
    this.#isOver = true;
    this.#done({ answered: true });
  }

  /** What has come so far goes out when the tick is over. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isPlanned = false;
    if (this.#isOver) return;
    const { response } = this.#exchange;
    const body = this.#take();
    // Whether it can be decoded at all shows with the first piece.
    if (body === undefined && this.#decoder !== undefined) return;
    if (this.#head !== undefined) {
      this.#writeHead();
      if (body === undefined) response.flushHeaders();
    }
    if (body === undefined || response.write(body) || this.#isPaused) return;
    this.#isPaused = true;
    this.#controller?.pause();
    response.once("drain", () => {
      this.#isPaused = false;
      this.#moved = this.#context.clock.tick;
      this.#controller?.resume();
    });
  };

  #take(): Buffer | undefined {
    const [first] = this.#pending;
    const body = this.#pending.length > 1 ? Buffer.concat(this.#pending) : first;
    if (first !== undefined) this.#pending = [];
    return body;
  }

  #writeHead(): void {
    const head = this.#head ?? [];
    this.#head = undefined;
    const { response } = this.#exchange;
    // What was set before, such as a cookie that is cleared, goes along.
    const earlier = response.getHeaderNames();
    if (earlier.length > 0) {
      for (let at = 0; at < head.length; at += 2)
        response.appendHeader(String(head[at]), head[at + 1] ?? "");
      response.writeHead(this.#status);
    } else response.writeHead(this.#status, head as string[]);
  }

  #cutOff(fault: unknown): void {
    const { request, response } = this.#exchange;
    const isWhole = request.complete;
    this.#abandon("cut off");
    if (response.headersSent) {
      response.destroy();
      this.#done({ answered: this.#answered, cut: fault });
    } else {
      const told = fault instanceof ServiceError ? fault : upstreamFault(fault, isWhole);
      this.#done({ answered: this.#answered, fault: told });
    }
  }

  /** Wants nothing more of the backend. */
  #abandon(why: string): void {
    this.#isOver = true;
    this.#pending = [];
    this.#decoder?.close();
    this.#controller?.abort(new Error(why));
  }
}

function mediaType(value: string | string[] | undefined): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : (value[0] ?? "");
  const end = text.indexOf(";");
  return (end === -1 ? text : text.slice(0, end)).trim().toLowerCase();
}

function isPlain(encoding: string | string[] | undefined): boolean {
  return encoding === undefined || encoding === "" || encoding === "identity";
}
