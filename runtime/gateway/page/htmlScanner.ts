import { readTagName } from "./tagName.ts";

/** What is found, in the order of the page. Positions are in the data that is being scanned. */
export interface HtmlVisitor {
  /** Text outside of tags, comments and elements like `script`. */
  text(from: number, to: number): void;
  doctype(): void;
  /** From `<` to the end of the name, which is in lower case. */
  startTag(name: string, from: number, nameEnd: number): void;
  /** `>` of a start tag; the position is after it. */
  startTagEnd(name: string, to: number): void;
  endTag(name: string, from: number): void;
}

/** Where a scan may have to stop; each goes on with the first byte of what was not scanned. */
type Mode = "text" | "tag" | "raw" | "script" | "comment" | "declaration" | "cdata" | "rest";

/** Places in a tag (HTML, 13.2.5.32 to 13.2.5.40). */
type Place = "name" | "before" | "attribute" | "after" | "value" | "unquoted" | "slash" | '"' | "'";

/** Their content has no tags but their own end. */
const rawElements = new Set("title textarea style xmp iframe noembed noframes noscript".split(" "));

/** No name we look for is longer, and what has to be kept for the next chunk stays small. */
const longestName = 32;

/** Bytes that settle what begins with `<!` or, in a script, with `<` or `-`: as in `<!doctype`. */
const lookahead = 9;

const less = 0x3c;
const greater = 0x3e;
const slash = 0x2f;
const dash = 0x2d;

/**
 * Finds tags in a page that arrives in pieces, without keeping or building anything of it. Reads
 * bytes: right for UTF-8 and every other encoding in which bytes of ASCII mean ASCII. A subset of
 * the tokenizer of HTML, 13.2.5; what it reports does not depend on where the pieces end.
 */
export class HtmlScanner {
  #mode: Mode = "text";
  #place: Place = "name";
  /** Name of the start tag or of the raw element; empty for end tags and names that are too long. */
  #name = "";
  #selfClosing = false;
  /** Depth of `svg` and `math`, where `<title/>` closes itself and CDATA exists. */
  #foreign = 0;
  /** Of a script: in `<!--`, and in a `<script>` inside of that (HTML, 13.2.5.20 to 13.2.5.31). */
  #escape: 0 | 1 | 2 = 0;

  /** Whether a tag could stand here, so that what is appended would count. */
  get betweenTags(): boolean {
    return this.#mode === "text";
  }

  /** @returns how many bytes are settled; the rest must come first in the next scan */
  scan(data: Buffer, visitor: HtmlVisitor): number {
    let at = 0;
    while (at < data.length) {
      const next = this.#step(data, at, visitor);
      if (next === undefined) return at;
      at = next;
    }
    return at;
  }

  /** @returns the next position, undefined when more bytes are needed from `at` on */
  #step(data: Buffer, at: number, visitor: HtmlVisitor): number | undefined {
    switch (this.#mode) {
      case "text":
        return this.#text(data, at, visitor);
      case "tag":
        return this.#tag(data, at, visitor);
      case "raw":
        return this.#raw(data, at, visitor);
      case "script":
        return this.#script(data, at, visitor);
      case "comment":
        return this.#comment(data, at);
      case "declaration":
        return this.#until(data, at, ">");
      case "cdata":
        return this.#until(data, at, "]]>");
      case "rest":
        return data.length;
    }
  }

  #text(data: Buffer, at: number, visitor: HtmlVisitor): number | undefined {
    if (data[at] !== less) {
      const end = findTag(data, at);
      visitor.text(at, end);
      return end;
    }
    const second = data[at + 1];
    if (second === undefined) return undefined;
    if (second === 0x21 /* ! */) return this.#declaration(data, at, visitor);
    if (second === 0x3f /* ? */) {
      this.#mode = "declaration";
      return at + 2;
    }
    if (isLetter(second)) return this.#tagName(data, at, at + 1, visitor);
    if (second !== slash) {
      visitor.text(at, at + 1);
      return at + 1;
    }
    const third = data[at + 2];
    if (third === undefined) return undefined;
    if (isLetter(third)) return this.#tagName(data, at, at + 2, visitor);
    this.#mode = "declaration";
    return at + 2;
  }

  #declaration(data: Buffer, at: number, visitor: HtmlVisitor): number | undefined {
    if (data.length - at < lookahead) return undefined;
    if (startsWith(data, at, "<!--")) {
      // Whole comments, though the dashes are those of the beginning.
      if (startsWith(data, at + 4, ">")) return at + 5;
      if (startsWith(data, at + 4, "->")) return at + 6;
      this.#mode = "comment";
      return at + 4;
    }
    if (this.#foreign > 0 && startsWith(data, at, "<![cdata[")) {
      this.#mode = "cdata";
      return at + lookahead;
    }
    if (startsWith(data, at, "<!doctype")) visitor.doctype();
    this.#mode = "declaration";
    return at + 2;
  }

  #tagName(data: Buffer, from: number, start: number, visitor: HtmlVisitor): number | undefined {
    let end = start;
    while (end < data.length && !endsName(data[end])) end += 1;
    const long = end - start > longestName;
    if (end === data.length && !long) return undefined;
    const name = long ? "" : readTagName(data, start, end);
    const isEnd = start - from === 2;
    if (isEnd) {
      if (name === "svg" || name === "math") this.#foreign = Math.max(0, this.#foreign - 1);
      visitor.endTag(name, from);
    } else {
      visitor.startTag(name, from, end);
    }
    this.#name = isEnd ? "" : name;
    this.#mode = "tag";
    this.#place = "name";
    this.#selfClosing = false;
    if (data[end] !== greater) return end;
    this.#endTag(visitor, end + 1);
    return end + 1;
  }

  #tag(data: Buffer, start: number, visitor: HtmlVisitor): number {
    for (let at = start; at < data.length; at += 1) {
      const byte = data[at];
      if (this.#place === '"' || this.#place === "'") {
        const end = data.indexOf(this.#place, at);
        if (end === -1) return data.length;
        at = end;
        this.#place = "before";
      } else if (byte === greater) {
        this.#selfClosing = this.#place === "slash";
        this.#endTag(visitor, at + 1);
        return at + 1;
      } else {
        this.#place = nextPlace(this.#place, byte);
      }
    }
    return data.length;
  }

  /** Decides what follows a tag. */
  #endTag(visitor: HtmlVisitor, to: number): void {
    const name = this.#name;
    this.#mode = "text";
    if (name === "") return;
    visitor.startTagEnd(name, to);
    const closed = this.#selfClosing && (this.#foreign > 0 || name === "svg" || name === "math");
    if (closed) return;
    if (name === "svg" || name === "math") this.#foreign += 1;
    else if (name === "plaintext") this.#mode = "rest";
    else if (rawElements.has(name)) this.#mode = "raw";
    else if (name === "script") {
      this.#mode = "script";
      this.#escape = 0;
    }
  }

  #raw(data: Buffer, at: number, visitor: HtmlVisitor): number | undefined {
    const open = data.indexOf(less, at);
    if (open === -1) return data.length;
    const end = `</${this.#name}`;
    // One byte more than the name: `</titles>` is not the end of a title.
    if (data.length - open <= end.length) return open === at ? undefined : open;
    if (!startsWith(data, open, end) || !endsName(data[open + end.length])) return open + 1;
    return this.#tagName(data, open, open + 2, visitor);
  }

  #script(data: Buffer, at: number, visitor: HtmlVisitor): number | undefined {
    let mark = at;
    while (mark < data.length && data[mark] !== less && !(this.#escape > 0 && data[mark] === dash))
      mark += 1;
    if (mark > at) return mark;
    if (data.length - at < lookahead) return undefined;
    if (data[at] === dash) {
      if (!startsWith(data, at, "-->")) return at + 1;
      this.#escape = 0;
      return at + 3;
    }
    if (this.#escape === 0 && startsWith(data, at, "<!--")) {
      this.#escape = 1;
      return at + 2;
    }
    if (this.#escape === 1 && startsWith(data, at, "<script") && endsName(data[at + 7])) {
      this.#escape = 2;
      return at + 7;
    }
    if (!startsWith(data, at, "</script") || !endsName(data[at + 8])) return at + 1;
    if (this.#escape !== 2) return this.#tagName(data, at, at + 2, visitor);
    this.#escape = 1;
    return at + 8;
  }

  #comment(data: Buffer, at: number): number | undefined {
    const usual = data.indexOf("-->", at);
    const end = usual === -1 ? data.length : usual;
    // `--!>` ends a comment as well. Searched only up to the usual end: linear in the page's length.
    const odd = data.subarray(at, end).indexOf("--!>", 0, "latin1");
    if (odd === -1 && usual === -1) return keepTail(data, at, 3);
    this.#mode = "text";
    return odd === -1 ? end + 3 : at + odd + 4;
  }

  #until(data: Buffer, at: number, mark: string): number | undefined {
    const end = data.indexOf(mark, at, "latin1");
    if (end === -1) return keepTail(data, at, mark.length - 1);
    this.#mode = "text";
    return end + mark.length;
  }
}

/** Goes on, but for the bytes that may be the beginning of a mark of which the rest is to come. */
function keepTail(data: Buffer, at: number, length: number): number | undefined {
  if (length === 0) return data.length;
  const next = Math.max(at, data.length - length);
  return next === at ? undefined : next;
}

function nextPlace(place: Place, byte: number | undefined): Place {
  if (place === "value") {
    if (byte === 0x22 /* " */) return '"';
    if (byte === 0x27 /* ' */) return "'";
    return isSpace(byte) ? "value" : "unquoted";
  }
  if (isSpace(byte)) {
    return place === "attribute" || place === "after" ? "after" : "before";
  }
  if (place === "unquoted") return "unquoted";
  if (byte === slash) return "slash";
  if (byte === 0x3d /* = */ && (place === "attribute" || place === "after")) return "value";
  return place === "name" ? "name" : "attribute";
}

/** Next `<`, else the end. Texts are short as a rule, and a search has its price. */
function findTag(data: Buffer, from: number): number {
  const near = Math.min(data.length, from + 64);
  for (let at = from; at < near; at += 1) if (data[at] === less) return at;
  const open = data.indexOf(less, near);
  return open === -1 ? data.length : open;
}

function startsWith(data: Buffer, at: number, lowerCase: string): boolean {
  return data.toString("latin1", at, at + lowerCase.length).toLowerCase() === lowerCase;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d;
}

function endsName(byte: number | undefined): boolean {
  return byte === greater || byte === slash || isSpace(byte);
}
