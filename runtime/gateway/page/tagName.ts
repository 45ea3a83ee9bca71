/** Names that mean something to what reads pages here; all others are one. */
const known = (
  "html head title base link meta style script noscript template body frameset " +
  "textarea xmp iframe noembed noframes svg math plaintext"
).split(" ");

/** A name that is none of those above, and stands for all of them. */
const other = "other";

const byLength: readonly (readonly string[])[] = Array.from({ length: 12 }, (_, length) =>
  known.filter((name) => name.length === length),
);

/**
 * Name of a tag in lower case, when it is one that matters; no text is made of the others, which
 * are nearly all.
 */
export function readTagName(data: Buffer, from: number, to: number): string {
  for (const name of byLength[to - from] ?? []) if (equals(data, from, name)) return name;
  return other;
}

/** Without regard to case, which in ASCII is one bit. */
function equals(data: Buffer, from: number, name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    if (((data[from + index] ?? 0) | 0x20) !== name.charCodeAt(index)) return false;
  }
  return true;
}
