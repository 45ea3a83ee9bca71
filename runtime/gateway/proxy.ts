import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";

import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import type { Exchange } from "./exchange.ts";
import { responseHeaders } from "./responseHeaders.ts";
import type { Upstreams } from "./upstreams.ts";

export interface Forwarding {
  /** Of the backend. */
  readonly origin: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly rewriteLocation: (value: string) => string;
  /** Completes an HTML page on its way; absent: pages pass as they are. */
  readonly compose?: (() => Transform) | undefined;
  /** Somebody is signed in. */
  readonly personal: boolean;
  /** Told when the session ends; returns how to stop that. Event streams, which last, end with it. */
  readonly watch?: (end: () => void) => () => void;
}

export interface ProxyOptions {
  readonly upstreams: Upstreams;
  readonly publicOrigin: URL;
  readonly log: Log;
  /** Bytes of a request. Default 1 GiB. */
  readonly bodyLimit?: number;
  /** Milliseconds without a byte from the backend, but for event streams. Default 300000. */
  readonly idleTimeout?: number;
}

export interface Proxy {
  /** Sends a request on and its answer back, neither of them whole in memory. @throws ServiceError */
  readonly forward: (exchange: Exchange, forwarding: Forwarding) => Promise<void>;
  /** Ends the event streams, which would last for ever. */
  readonly drain: () => void;
}

/** Whether a body follows the head of a request (RFC 9112, 6.3). */
export function hasBody({ headers }: Exchange["request"]): boolean {
  return (
    headers["transfer-encoding"] !== undefined ||
    (headers["content-length"] !== undefined && headers["content-length"] !== "0")
  );
}

export function createProxy(options: ProxyOptions): Proxy {
  const { upstreams, publicOrigin, log, bodyLimit = 2 ** 30, idleTimeout = 300_000 } = options;
  const streams = new Set<() => void>();

  async function forward(exchange: Exchange, forwarding: Forwarding): Promise<void> {
    const { request, response } = exchange;
    const { origin, target, headers } = forwarding;
    // Gone while it was decided; nothing would tell us any more.
    if (request.socket.destroyed) return;
    if (Number(request.headers["content-length"] ?? 0) > bodyLimit) throw tooLarge();
    const leaving = new AbortController();
    const leave = () => {
      leaving.abort();
    };
    // From now on, though it is used only if the answer turns out to be an event stream.
    const ending = new AbortController();
    const unwatch = forwarding.watch?.(() => {
      ending.abort();
    });
    response.once("close", () => unwatch?.());
    response.once("close", leave);
    const ask = (): Promise<Dispatcher.ResponseData> =>
      upstreams.request(origin, {
        path: target,
        method: request.method ?? "GET",
        headers,
        body: hasBody(request) ? limited(request, bodyLimit) : null,
        signal: leaving.signal,
      });
    let upstream: Dispatcher.ResponseData;
    try {
      upstream = await ask().catch((fault: unknown) => {
        if (leaving.signal.aborted || !isLostConnection(request, fault)) throw fault;
        return ask();
      });
    } catch (cause) {
      if (leaving.signal.aborted) return;
      throw faultOf(cause, request.complete);
    }
    try {
      await answer(exchange, forwarding, upstream, { leave, ending: ending.signal });
    } catch (fault) {
      if (!leaving.signal.aborted)
        log.warn({ err: fault, trace_id: exchange.id }, "answer cut off");
      response.destroy();
    }
  }

  async function answer(
    exchange: Exchange,
    { compose, personal, rewriteLocation }: Forwarding,
    { statusCode, headers, body }: Dispatcher.ResponseData,
    { leave, ending }: { readonly leave: () => void; readonly ending: AbortSignal },
  ): Promise<void> {
    const { request, response, id } = exchange;
    const type = mediaType(headers["content-type"]);
    const composed =
      compose !== undefined &&
      type === "text/html" &&
      isUnencoded(headers["content-encoding"]) &&
      statusCode !== 206 &&
      statusCode !== 304;
    const sent = responseHeaders({
      headers,
      requestId: id,
      publicOrigin,
      rewriteLocation,
      composed,
      personal,
    });
    for (const [name, value] of sent) response.setHeader(name, value);
    response.writeHead(statusCode);
    if (!response.hasHeader("content-length")) response.flushHeaders();

    const stop =
      type === "text/event-stream"
        ? keepStream(leave, ending)
        : watchIdle(body, idleTimeout, leave);
    try {
      if (composed && request.method !== "HEAD") await pipeline(body, compose(), response);
      else await pipeline(body, response);
    } finally {
      stop();
    }
  }

  function keepStream(leave: () => void, ending: AbortSignal): () => void {
    if (ending.aborted) leave();
    ending.addEventListener("abort", leave);
    streams.add(leave);
    return () => {
      streams.delete(leave);
    };
  }

  return {
    forward,
    drain() {
      for (const end of streams) end();
    },
  };
}

/**
 * The body of a request, counted. A stream of its own, because undici destroys what it was given
 * when the backend answers early, and that must not be the client's connection.
 */
function limited(request: Exchange["request"], limit: number): Transform {
  let size = 0;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      size += chunk.length;
      if (size > limit) done(tooLarge());
      else done(null, chunk);
    },
  });
  body.once("close", () => {
    request.unpipe(body);
    request.resume();
  });
  return request.pipe(body);
}

function watchIdle(
  body: Dispatcher.ResponseData["body"],
  timeout: number,
  end: () => void,
): () => void {
  const timer = setTimeout(end, timeout);
  body.on("data", () => timer.refresh());
  return () => {
    clearTimeout(timer);
  };
}

function mediaType(value: string | string[] | undefined): string {
  return String(value ?? "")
    .split(";", 1)
    .join("")
    .trim()
    .toLowerCase();
}

function isUnencoded(value: string | string[] | undefined): boolean {
  return value === undefined || value === "" || value === "identity";
}

/** A kept connection that the backend closed at that moment; once more does no harm. */
function isLostConnection(request: Exchange["request"], fault: unknown): boolean {
  const safe = request.method === "GET" || request.method === "HEAD";
  return (
    safe && !hasBody(request) && ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(code(fault))
  );
}

function faultOf(cause: unknown, requestComplete: boolean): ServiceError {
  if (cause instanceof ServiceError) return cause;
  if (code(cause) !== "UND_ERR_HEADERS_TIMEOUT") {
    return new ServiceError(502, "ERR_UPSTREAM", "Service temporarily unavailable", { cause });
  }
  return requestComplete
    ? new ServiceError(504, "ERR_UPSTREAM_TIMEOUT", "The service did not answer in time.", {
        cause,
      })
    : new ServiceError(408, "ERR_REQUEST_TIMEOUT", "The request did not arrive in time.", {
        cause,
      });
}

function code(fault: unknown): string {
  return fault instanceof Error && "code" in fault ? String(fault.code) : "";
}

function tooLarge(): ServiceError {
  return new ServiceError(413, "ERR_BODY_TOO_LARGE", "The request is too large.", {
    headers: { connection: "close" },
  });
}
