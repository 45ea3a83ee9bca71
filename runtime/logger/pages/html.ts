/** Markup that is safe to send; only `html` makes it. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | null | undefined | false | readonly Html[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Markup with values in it. Every value that is not markup itself is text: HTML in it is escaped, and
 * characters that are not seen or that turn a line around are shown as what they are. Attributes
 * have to be in quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const rendered = values.map((value, index) => render(value) + (parts[index + 1] ?? ""));
  return { markup: (parts[0] ?? "") + rendered.join("") };
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}

/** Control characters but line end and tab, and Unicode's marks of direction and width. */
const unseen =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

function escapeText(text: string): string {
  return text
    .replace(unseen, (character) => {
      const code = character.charCodeAt(0);
      // Unicode has pictures of the first control characters.
      return code < 0x20
        ? String.fromCharCode(0x2400 + code)
        : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    })
    .replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
