import { onlyCookie, ownPrefix, writeCookie } from "./cookies.ts";

/** Holds nothing but a random secret; what belongs to it lies at core. */
export const sessionCookieName = ownPrefix;

/** The secret of a request's session; undefined when there is none, or none that could be one. */
export function readSessionCookie(header: string | undefined): string | undefined {
  const value = onlyCookie(header, sessionCookieName);
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
}

export function writeSessionCookie(secret: string): string {
  return writeCookie(sessionCookieName, secret);
}

export function clearSessionCookie(): string {
  return writeCookie(sessionCookieName, "", { maxAge: 0 });
}
