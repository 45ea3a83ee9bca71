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
  /** `rest` decoded: for decisions, never for forwarding. */
  readonly normalRest: string;
}

/** Rounds of decoding after which nothing new can come: a backend that decodes twice is a real one. */
const rounds = 4;

/**
 * Reads the target of a request line. Whatever a backend could read in another way than the
 * decision did is refused: dot segments in any encoding, encoded separators, backslashes, path
 * parameters, control characters, empty segments inside, encoding that is none (RFC 3986, 6.2.2).
 * @throws ServiceError 400 ERR_PATH
 */
export function readTarget(target: string): RequestPath {
  // Origin form alone (RFC 9112, 3.2.1); printable ASCII without a fragment.
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(target)) throw refuse();
  const mark = target.indexOf("?");
  const raw = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark);
  const [first = "", ...below] = raw.slice(1).split("/");
  // Encoded, it would be another name to us and the same to those behind us.
  if (first.includes("%")) throw refuse();
  [first, ...below].forEach((segment, index, all) => {
    if (segment === "" && index < all.length - 1) throw refuse();
  });
  const decoded = [first, ...below].map(readSegment);
  return {
    raw,
    query,
    first,
    rest: raw.slice(1 + first.length),
    normalRest: decoded
      .slice(1)
      .map((segment) => `/${segment}`)
      .join(""),
  };
}

function readSegment(segment: string): string {
  const decoded = decode(segment);
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
