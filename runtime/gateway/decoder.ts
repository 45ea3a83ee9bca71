import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";

/** Undoes a content coding (RFC 9110, 8.4.1) of a page that has to be read. */
export interface Decoder {
  /** @returns false: the next only after `drain` */
  readonly write: (chunk: Buffer) => boolean;
  readonly end: () => void;
  readonly close: () => void;
}

export interface DecoderOutput {
  readonly push: (part: Buffer) => void;
  readonly drain: () => void;
  readonly end: (fault: Error | undefined) => void;
}

const makers = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** Undefined when nothing has to be undone, or nobody here can. */
export function decoderFor(
  encoding: string | string[] | undefined,
  { push, drain, end }: DecoderOutput,
): Decoder | undefined {
  const name = typeof encoding === "string" ? encoding.trim().toLowerCase() : "";
  if (!Object.hasOwn(makers, name)) return undefined;
  const stream = makers[name as keyof typeof makers]();
  stream.on("data", push);
  stream.on("drain", drain);
  stream.once("end", () => {
    end(undefined);
  });
  stream.once("error", end);
  return {
    write: (chunk) => stream.write(chunk),
    end: () => stream.end(),
    close: () => stream.destroy(),
  };
}
