/** Every cookie of ours starts so; browsers set `__Host-` cookies for this very origin only. */
export const ownPrefix = "__Host-hivematrix";

export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** As it came, for forwarding. */
  readonly text: string;
}

/** Of a `Cookie` header (RFC 6265, 4.2.1), in order, repeated names kept. */
export function readCookies(header: string | undefined): Cookie[] {
  return (header ?? "")
    .split(";")
    .map((part) => part.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const sign = text.indexOf("=");
      return sign === -1
        ? { name: "", value: text, text }
        : { name: text.slice(0, sign).trim(), value: text.slice(sign + 1).trim(), text };
    });
}

/** Value of the one cookie of that name; undefined when there is none or more than one. */
export function onlyCookie(header: string | undefined, name: string): string | undefined {
  if (header?.startsWith(`${name}=`) === true && !header.includes(";")) {
    return header.slice(name.length + 1).trim();
  }
  const [found, ...more] = readCookies(header).filter((cookie) => cookie.name === name);
  return more.length === 0 ? found?.value : undefined;
}

/**
 * Whether a cookie is ours, or could be taken for ours: names without regard to case, as browsers
 * treat the prefix, and the value of a cookie without a name, which is sent without its `=`.
 */
export function isOwn(text: string): boolean {
  return text.trim().replace(/^=\s*/, "").toLowerCase().startsWith("__host-hive");
}

/** Whether a `Cookie` header holds one cookie and that is ours: as for most requests. */
export function onlyOwn(header: string): boolean {
  return header.startsWith(ownPrefix) && !header.includes(";");
}

export interface CookieLifetime {
  /** Seconds; 0 removes the cookie, absent: until the browser ends. */
  readonly maxAge?: number;
}

/** A `Set-Cookie` value with all that a `__Host-` cookie must have (RFC 6265bis, 4.1.3.2). */
export function writeCookie(name: string, value: string, { maxAge }: CookieLifetime = {}): string {
  const age = maxAge === undefined ? "" : `; Max-Age=${String(maxAge)}`;
  return `${name}=${value}; Path=/${age}; Secure; HttpOnly; SameSite=Lax`;
}
