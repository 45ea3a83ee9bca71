import { PassThrough, pipeline, Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

import type { FastifyReply, FastifyRequest, RequestPayload } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";

/** Bytes of a request's body, after decompression as well (contract 3.2 bounds the entries alone). */
export const bodyLimit = 10 * 1024 * 1024;

/** Bytes of all bodies that are under way; what is made of them takes some times as much. */
const intakeLimit = 24 * 1024 * 1024;

const decoders = {
  gzip: (): Transform => createGunzip(),
  zstd: (): Transform => createZstdDecompress(),
  identity: (): Transform => new PassThrough(),
} as const;

/**
 * Lets bodies in as long as there is room for them, and decompresses them within bounds. Who is refused
 * is told when to come again: nothing is buffered for him.
 */
export class Intake {
  #used = 0;
  readonly #limit: number;

  /** @param limit in bytes */
  constructor(limit = intakeLimit) {
    this.#limit = limit;
  }

  /** Hook `preParsing` of routes that take entries. */
  readonly admit = (
    request: FastifyRequest,
    reply: FastifyReply,
    payload: RequestPayload,
  ): Promise<RequestPayload> => {
    const length = Number(request.headers["content-length"] ?? 0);
    let held = Math.min(length, bodyLimit);
    if (this.#used > 0 && this.#used + held > this.#limit) return Promise.reject(tooMuch());
    this.#used += held;
    reply.raw.once("close", () => (this.#used -= held));
    const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
    if (encoding === "identity" && request.headers["content-length"] !== undefined) {
      return Promise.resolve(payload);
    }
    const decoder = open(encoding);
    if (decoder === undefined) return Promise.reject(unknownEncoding(encoding));

    // Of what arrives nobody knows the length beforehand.
    let decoded = 0;
    const counter: RequestPayload & Transform = new Transform({
      transform: (piece: Buffer, _encoding, next) => {
        decoded += piece.length;
        const more = Math.max(0, Math.min(decoded, bodyLimit) - held);
        held += more;
        this.#used += more;
        // The rest is not even looked at: a bomb must not burn.
        if (decoded > bodyLimit) next(tooLarge());
        else if (this.#used > this.#limit && this.#used > held) next(tooMuch());
        else next(null, piece);
      },
    });
    // Not the request itself: it is needed for the answer.
    pipeline(decoder, counter, () => {
      payload.unpipe(decoder);
      payload.resume();
    });
    counter.receivedEncodedLength = 0;
    payload.on("data", ({ length: bytes }: Buffer) => {
      counter.receivedEncodedLength = (counter.receivedEncodedLength ?? 0) + bytes;
    });
    payload.on("error", (fault: Error) => decoder.destroy(fault));
    payload.pipe(decoder);
    return Promise.resolve(counter);
  };
}

function open(name: string): Transform | undefined {
  return Object.hasOwn(decoders, name) ? decoders[name as keyof typeof decoders]() : undefined;
}

function tooLarge(): ServiceError {
  const message = `Maximum ${bodyLimit} bytes after decompression`;
  return new ServiceError(413, "ERR_BODY_TOO_LARGE", message, { members: { error: message } });
}

function unknownEncoding(encoding: string): ServiceError {
  const message = `Content-Encoding must be gzip or zstd, not ${encoding.slice(0, 50)}`;
  return new ServiceError(415, "ERR_ENCODING_UNKNOWN", message, {
    headers: { "accept-encoding": "gzip, zstd" },
    members: { error: message },
  });
}

function tooMuch(): ServiceError {
  const message = "Too many bytes are under way";
  return new ServiceError(429, "ERR_INTAKE_FULL", message, {
    headers: { "retry-after": "1" },
    members: { error: message },
  });
}
