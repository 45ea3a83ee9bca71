/** Our ETag of a completed page: which layout, whether theirs was weak, and theirs. */
const ours = /^W\/"([A-Za-z0-9_-]{11})([ws])-([\x21\x23-\x7e]*)"$/;

/**
 * The ETag of a page by that of its service: another one for each user, theme and menu, so that a
 * browser never keeps a page with a look that has changed (weakness 34).
 * @param layout names the layout; undefined is returned for what is no ETag (RFC 9110, 8.8.3)
 */
export function writePageTag(inner: string, layout: string): string | undefined {
  const [, weak, opaque] = /^(W\/)?"([\x21\x23-\x7e]*)"$/.exec(inner) ?? [];
  if (opaque === undefined || opaque.includes(",")) return undefined;
  return `W/"${layout}${weak === undefined ? "s" : "w"}-${opaque}"`;
}

/**
 * What the service is asked about, by the `If-None-Match` of a browser: only tags of pages with the
 * very same layout; undefined: it has none of them.
 */
export function readPageTags(header: string | undefined, layout: string): string | undefined {
  if (header === undefined) return undefined;
  const inner = header.split(",").flatMap((part) => {
    const [, of, strength, opaque] = ours.exec(part.trim()) ?? [];
    return of === layout && opaque !== undefined
      ? [`${strength === "w" ? "W/" : ""}"${opaque}"`]
      : [];
  });
  return inner.length === 0 ? undefined : inner.join(", ");
}
