/** HTML that is safe to send; only `markup` makes it. */
export interface Markup {
  readonly html: string;
}

type Value = Markup | string | number | null | undefined | false | readonly Markup[];

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
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const rendered = values.map((value, index) => render(value) + (parts[index + 1] ?? ""));
  return { html: (parts[0] ?? "") + rendered.join("") };
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return "html" in value ? value.html : value.map(({ html }) => html).join("");
}

/** Control characters but line end and tab, and Unicode's marks of direction and width. */
const unseen =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

function escapeText(text: string): string {
  return text
    .replace(unseen, (character) => {
      const code = character.charCodeAt(0).toString(16).toUpperCase();
      return `[U+${code.padStart(4, "0")}]`;
    })
    .replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
