import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** What a busy path answers; undefined: the ordinary way has to. */
export type Quick = (
  request: IncomingMessage,
  body: string,
) => Promise<string | undefined> | string | undefined;

export interface BusyPathsOptions {
  /** By path; they are asked with POST and a body of JSON. */
  readonly quick: Readonly<Record<string, Quick>>;
  /** The path without a caller's proof; undefined: the proof is false. */
  readonly pathOf: (request: IncomingMessage) => string | undefined;
  /** Everything else, and every fault. */
  readonly ordinary: RequestListener;
  /** Told of each answer. */
  readonly note: (path: string, status: number, milliseconds: number) => void;
}

/** Bytes; longer bodies go the ordinary way. */
const longest = 16_384;

/** A request id that may be passed on and printed. */
export const requestId = /^[A-Za-z0-9._-]{1,100}$/;

/** Bodies that were read before the ordinary way took over. */
const bodies = new WeakMap<IncomingMessage, string>();

/** What was read of a request already. */
export function bodyOf(request: IncomingMessage): string | undefined {
  return bodies.get(request);
}

/**
 * The two paths that are asked all the time, straight on Node's server: when all is as it nearly
 * always is, the answer costs little more than the request itself. Whatever is not goes the ordinary
 * way with its body, so that there is one place for every rule and every fault.
 */
export function createBusyPaths(options: BusyPathsOptions): RequestListener {
  const { quick, pathOf, ordinary, note } = options;

  function finish(
    response: ServerResponse,
    { id, path, start }: { id: string; path: string; start: number },
    answer: string,
  ): void {
    response.writeHead(200, [
      "content-type",
      "application/json; charset=utf-8",
      "content-length",
      String(Buffer.byteLength(answer)),
      "x-correlation-id",
      id,
      "cache-control",
      "no-store",
    ]);
    response.end(answer);
    note(path, 200, performance.now() - start);
  }

  return (request, response) => {
    const { method, rawHeaders } = request;
    const path = (method === "POST" ? pathOf(request) : undefined) ?? "";
    const answer = Object.hasOwn(quick, path) ? quick[path] : undefined;
    const facts = answer === undefined ? undefined : factsOf(rawHeaders);
    if (answer === undefined || facts === undefined) {
      ordinary(request, response);
      return;
    }
    const exchange = { id: facts.id ?? randomUUID(), path, start: performance.now() };
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      let found: ReturnType<Quick>;
      try {
        found = answer(request, body);
      } catch {
        // The ordinary way says what is wrong.
        found = undefined;
      }
      if (typeof found === "string") {
        finish(response, exchange, found);
        return;
      }
      bodies.set(request, body);
      if (found === undefined) {
        ordinary(request, response);
        return;
      }
      found.then(
        (text) => {
          if (text === undefined) ordinary(request, response);
          else finish(response, exchange, text);
        },
        () => {
          ordinary(request, response);
        },
      );
    });
  };
}

/** Names and values in turn, as Node has them: its object of headers costs more. */
function factsOf(rawHeaders: readonly string[]): { id: string | undefined } | undefined {
  let id: string | undefined;
  let json = false;
  let length = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // Most are of no interest, and told by their length.
    if (name.length !== 12 && name.length !== 14 && name.length !== 16 && name.length !== 17)
      continue;
    const value = rawHeaders[index + 1] ?? "";
    switch (name.toLowerCase()) {
      case "content-type":
        json = value === "application/json";
        break;
      case "content-length":
        length = Number(value);
        break;
      case "x-correlation-id":
        if (requestId.test(value)) id = value;
        break;
      case "transfer-encoding":
      case "content-encoding":
        return undefined;
    }
  }
  return json && length > 0 && length <= longest ? { id } : undefined;
}
