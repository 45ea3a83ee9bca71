import { ServiceError } from "../kernel/serviceError.ts";

/** A request target that means the same to whoever reads it, decoded or not. */
export interface RequestPath {
  /** As it came, without the query. */
  readonly raw: string;
  /** `""` or `?…`, as it came. */
  readonly query: string;
  /** First segment: the name of a service or of a route of ours; `""` for `/`. */
  readonly first: string;
  /** What follows the first segment, as it came: `""` or `/…`. This is what is forwarded. */
  readonly rest: string;
  /** `rest` decoded, but for `%2F`: for decisions, never for forwarding. */
  readonly normalRest: string;
}

/** Rounds of decoding after which nothing new can come: a backend that decodes twice is a real one. */
const rounds = 4;

/**
 * Reads the target of a request line. Whatever a backend could read in another way than the
 * decision did is refused: dot segments in any encoding, encoded separators, backslashes, path
 * parameters, control characters, empty segments inside, encoding that is none (RFC 3986, 6.2.2).
 * @param allowsSlash whether `%2F` may stand in paths with that first segment; never told of by default
 * @throws ServiceError 400 ERR_PATH
 */
export function readTarget(
  target: string,
  allowsSlash: (first: string) => boolean = never,
): RequestPath {
  // Origin form alone (RFC 9112, 3.2.1); printable ASCII without a fragment.
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(target)) throw refuse();
  const mark = target.indexOf("?");
  const raw = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark);
  if (raw.includes("//")) throw refuse();
  const end = raw.indexOf("/", 1);
  const first = end === -1 ? raw.slice(1) : raw.slice(1, end);
  const rest = end === -1 ? "" : raw.slice(end);
  // Encoded, it would be another name to us and the same to those behind us.
  if (first.includes("%")) throw refuse();
  if (isPlain(raw)) return { raw, query, first, rest, normalRest: rest };
  readSegment(first, false);
  const slash = raw.includes("%2") && allowsSlash(first);
  const normalRest = rest
    .split("/")
    .map((segment) => readSegment(segment, slash))
    .join("/");
  return { raw, query, first, rest, normalRest };
}

/** Most paths: nothing encoded, and no segment that begins with a dot. */
function isPlain(raw: string): boolean {
  return !/[%;\\]|\/\./.test(raw);
}

function never(): boolean {
  return false;
}

function readSegment(segment: string, allowsSlash: boolean): string {
  // Kept encoded: to the decision it is a character of the segment, as to the backend that asked for it.
  const kept = allowsSlash ? segment.replaceAll(/%2f/gi, "%252F") : segment;
  const decoded = decode(kept);
  if (decoded === undefined || /[/\\;\u0000-\u001f\u007f-\u009f]/.test(decoded)) throw refuse();
  let deep: string | undefined = decoded;
  for (let round = 0; deep !== undefined && round < rounds; round += 1) {
    if (deep.split(/[/\\;]/).some((part) => part === "." || part === "..")) throw refuse();
    deep = deep.includes("%") ? decode(deep) : undefined;
  }
  if (deep !== undefined) throw refuse();
  return decoded;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function refuse(): ServiceError {
  return new ServiceError(400, "ERR_PATH", "The path of this address is not usable.");
}
