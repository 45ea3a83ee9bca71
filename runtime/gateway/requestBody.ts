import type { IncomingMessage } from "node:http";
import { Transform, type Readable, type TransformCallback } from "node:stream";

import { ServiceError } from "../kernel/serviceError.ts";

/** Whether a body follows the head of a request (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return (
    headers["transfer-encoding"] !== undefined ||
    (headers["content-length"] !== undefined && headers["content-length"] !== "0")
  );
}

/**
 * The body of a request, counted. A stream of its own, because undici destroys what it was given
 * when the backend answers early, and that must not be the client's connection.
 * @param limit bytes
 */
export function limitBody(request: IncomingMessage, limit: number): Readable {
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

/** @throws ServiceError 413 when the client says that there is more to come than it may send */
export function checkLength({ headers }: IncomingMessage, limit: number): void {
  const length = headers["content-length"];
  if (length !== undefined && Number(length) > limit) throw tooLarge();
}

function tooLarge(): ServiceError {
  return new ServiceError(413, "ERR_BODY_TOO_LARGE", "The request is too large.", {
    headers: { connection: "close" },
  });
}
