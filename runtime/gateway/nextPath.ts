/** Nobody is sent there after signing in: it would not be where they wanted to go. */
const own = /^\/(?:login|logout|keycloak-callback)(?:[/?#]|$)/;

/**
 * Where a sign-in leads: a path of the public origin, in the form in which a browser reads it.
 * Anything else is `/` (weakness 2).
 */
export function readNext(values: readonly string[], publicOrigin: URL): string {
  const [text, ...more] = values;
  // Browsers drop control characters: `/\t/evil` is `//evil`.
  if (text === undefined || more.length > 0 || /[\u0000-\u0020\u007f\\]/.test(text)) return "/";
  if (text.length > 2048 || !text.startsWith("/") || text.startsWith("//")) return "/";
  if (!URL.canParse(text, publicOrigin.href)) return "/";
  const { origin, pathname, search, hash } = new URL(text, publicOrigin);
  // Dot segments are resolved by now: `/.//evil` became `//evil`.
  if (origin !== publicOrigin.origin || pathname.startsWith("//")) return "/";
  const next = `${pathname}${search}${hash}`;
  return own.test(next) ? "/" : next;
}
