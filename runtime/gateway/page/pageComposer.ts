import { HtmlScanner, type HtmlVisitor } from "./htmlScanner.ts";
import { localIconTag } from "./iconScript.ts";
import type { Layout } from "./layout.ts";

/**
 * `start`: nothing decides yet whether this is a page or a fragment; `prolog`: a doctype was there,
 * no element; `head`: `<html>` is open; `body`: the layout is; `done`: the rest passes.
 */
type Stage = "start" | "prolog" | "head" | "body" | "done";

/** Elements that do not open the body when the tags of head and body are left out (HTML, 13.1.2.4). */
const headElements = new Set("head title base link meta style script noscript template".split(" "));

const invisible = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);

/** Bytes of a start tag that may be replaced. */
const longestTag = 4096;

type Push = (part: Buffer) => unknown;

/**
 * Puts a page into the platform's layout (contract 2.8) while it passes: theme on `<html>`, assets
 * before the end of the head, side panel around what is in the body. Of the page itself no byte is
 * changed or held back, but for a few at the end of a chunk, and the address of Lucide. Fragments
 * and UTF-16 pass as they are.
 */
export class PageComposer implements HtmlVisitor {
  #stage: Stage = "start";
  /** Whether stylesheets and scripts are in. */
  #hasAssets = false;
  /** Depth of `<template>`, whose content is no part of the page. */
  #templates = 0;
  /** Bytes of which the scanner has to see more. */
  #rest: Buffer = Buffer.alloc(0);
  /** The chunk that is being scanned, and how far it has been passed on. */
  #data: Buffer = this.#rest;
  #passed = 0;
  #push: Push = () => undefined;
  readonly #scanner = new HtmlScanner();
  readonly #layout: Layout;
  /** Where a script's start tag begins whose end has not come; it may be one to replace. */
  #script: number | undefined;
  /** What came of that tag in earlier chunks. */
  #held: Buffer = this.#rest;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  write(chunk: Buffer, push: Push): void {
    this.#data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = this.#data.subarray(0, 0);
    this.#passed = 0;
    this.#push = push;
    const settled = this.#stage === "done" ? this.#data.length : this.#scan();
    if (this.#script !== undefined) this.#hold(settled);
    this.#pass(settled);
    this.#rest = this.#data.subarray(settled);
  }

  end(push: Push): void {
    // Before the rest: that is a tag somebody forgot to end, and the browser drops it.
    if (this.#stage === "body" && this.#scanner.betweenTags) push(this.#layout.closing);
    if (this.#held.length > 0) push(this.#held);
    if (this.#rest.length > 0) push(this.#rest);
  }

  /** Keeps what came of a script's start tag, unless it is longer than any we look for. */
  #hold(to: number): void {
    const from = this.#script ?? to;
    if (this.#held.length + to - from > longestTag) {
      this.#script = undefined;
      this.#release();
      return;
    }
    this.#pass(from);
    this.#held = Buffer.concat([this.#held, this.#data.subarray(from, to)]);
    this.#script = 0;
    this.#passed = to;
  }

  #release(): void {
    if (this.#held.length > 0) this.#push(this.#held);
    this.#held = this.#held.subarray(0, 0);
  }

  #replaceScript(to: number): void {
    const from = this.#script;
    const { icons } = this.#layout;
    if (from === undefined || icons === undefined) return;
    this.#script = undefined;
    const tag = this.#held.toString("latin1") + this.#data.toString("latin1", from, to);
    const local = localIconTag(tag, icons);
    if (local === undefined) {
      this.#release();
      return;
    }
    this.#held = this.#held.subarray(0, 0);
    this.#insert(from, Buffer.from(local, "latin1"));
    this.#passed = to;
  }

  #scan(): number {
    const settled = this.#scanner.scan(this.#data, this);
    return this.#stage === "done" ? this.#data.length : settled;
  }

  #pass(to: number): void {
    if (to > this.#passed) this.#push(this.#data.subarray(this.#passed, to));
    this.#passed = Math.max(to, this.#passed);
  }

  #insert(at: number, part: Buffer): void {
    this.#pass(at);
    this.#push(part);
  }

  text(from: number, to: number): void {
    if (this.#stage === "body" || this.#stage === "done" || this.#templates > 0) return;
    const at = firstVisible(this.#data, from, to);
    if (at === to) return;
    // UTF-16 ends here as well: by its byte order mark or by the first zero byte.
    if (this.#stage === "start") this.#stage = "done";
    else this.#openBody(at);
  }

  doctype(): void {
    if (this.#stage === "start") this.#stage = "prolog";
  }

  startTag(name: string, from: number, nameEnd: number): void {
    if (name === "template") this.#templates += 1;
    if (name === "script" && this.#layout.icons !== undefined && this.#stage !== "done") {
      this.#script = from;
    }
    if (this.#stage === "body" || this.#stage === "done" || this.#templates > 0) return;
    if (name === "html") {
      if (this.#stage === "head") return;
      // Of attributes that are there twice the first one counts (HTML, 13.2.5.33).
      this.#insert(nameEnd, this.#layout.attributes);
      this.#stage = "head";
    } else if (name === "frameset") {
      this.#stage = "done";
    } else if (name === "body" || (name === "head" && this.#stage === "start")) {
      this.#openHtml(from);
      if (name === "body") this.#insertAssets(from);
    } else if (headElements.has(name)) {
      if (this.#stage === "prolog") this.#openHtml(from);
    } else if (this.#stage === "start") {
      this.#stage = "done";
    } else {
      this.#openBody(from);
    }
  }

  startTagEnd(name: string, to: number): void {
    if (name === "script") this.#replaceScript(to);
    if (name !== "body" || this.#stage !== "head" || this.#templates > 0) return;
    this.#insert(to, this.#layout.opening);
    this.#stage = "body";
  }

  endTag(name: string, from: number): void {
    if (name === "template") this.#templates = Math.max(0, this.#templates - 1);
    if (this.#templates > 0) return;
    const ends = name === "body" || name === "html";
    if (this.#stage === "head" && name === "head") this.#insertAssets(from);
    if (this.#stage === "head" && ends) this.#openBody(from);
    if (this.#stage === "body" && ends) {
      this.#insert(from, this.#layout.closing);
      this.#stage = "done";
    }
  }

  /** A second `<html>` adds the attributes that the first does not have (HTML, 13.2.6.4.7). */
  #openHtml(at: number): void {
    if (this.#stage === "head") return;
    this.#insert(
      at,
      Buffer.concat([Buffer.from("<html"), this.#layout.attributes, Buffer.from(">")]),
    );
    this.#stage = "head";
  }

  #insertAssets(at: number): void {
    if (this.#hasAssets) return;
    this.#insert(at, this.#layout.assets);
    this.#hasAssets = true;
  }

  /** Where the body begins without a tag of its own. */
  #openBody(at: number): void {
    this.#openHtml(at);
    this.#insertAssets(at);
    this.#insert(at, this.#layout.opening);
    this.#stage = "body";
  }
}

/** Of the first byte that is neither a space of HTML nor of UTF-8's byte order mark; else `to`. */
function firstVisible(data: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && invisible.has(data[at] ?? 0)) at += 1;
  return at;
}
