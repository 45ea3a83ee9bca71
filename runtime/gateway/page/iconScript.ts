/** `src` of a script tag that is Lucide at unpkg.com, in any version (contract 4.7). */
const source =
  /\ssrc\s*=\s*(?:"\s*(?:https?:)?\/\/unpkg\.com\/lucide(?:[@/][^"]*)?"|'\s*(?:https?:)?\/\/unpkg\.com\/lucide(?:[@/][^']*)?'|(?:https?:)?\/\/unpkg\.com\/lucide(?:[@/][^\s>]*)?(?=[\s>]))/i;

/**
 * The start tag that loads our copy instead (weakness 43); undefined: it is about something else.
 * When it runs stays as it was; an `integrity` of theirs goes, ours comes from here.
 * @param tag whole, from `<script` to `>`
 * @param address of our copy
 */
export function localIconTag(tag: string, address: string): string | undefined {
  if (!source.test(tag)) return undefined;
  const when = /\s(defer|async)(?=[\s=>/])/i.exec(tag)?.[1]?.toLowerCase();
  return `<script${when === undefined ? "" : ` ${when}`} src="${address}">`;
}
