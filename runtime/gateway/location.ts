/**
 * Where inner addresses lie outside: keys by `addressKey`, values what goes before the path.
 * Built once for a set of routes.
 */
export type InnerAddresses = ReadonlyMap<string, string>;

/** Scheme is left out: a backend that does not know it is behind https says http. */
export function addressKey(url: URL): string {
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `${loopback ? "loopback" : url.hostname}:${port}`;
}

/**
 * An absolute address of a backend of ours becomes the public one; anything else stays as it is
 * (weakness 35). A prefix that is there already is not put before a second time.
 */
export function rewriteLocation(value: string, publicOrigin: URL, inner: InnerAddresses): string {
  if (!/^(?:https?:)?\/\//i.test(value) || !URL.canParse(value, publicOrigin.href)) return value;
  const url = new URL(value, publicOrigin);
  const prefix = inner.get(addressKey(url));
  if (prefix === undefined) return value;
  const { pathname, search, hash } = url;
  const known = pathname === prefix || pathname.startsWith(`${prefix}/`);
  return `${publicOrigin.origin}${known ? "" : prefix}${pathname}${search}${hash}`;
}
