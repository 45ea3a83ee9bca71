import { createHash } from "node:crypto";

import { escapeHtml } from "./escape.ts";
import { renderSidePanel, type PanelService, type PanelUser, type Theme } from "./sidePanel.ts";

export interface PageOptions {
  /** What stands in the menu, in this order. */
  readonly services: readonly PanelService[];
  /** Name of the service the page comes from. */
  readonly active: string;
  /** Nobody on pages that need no sign-in. */
  readonly user: PanelUser | undefined;
  readonly theme: Theme;
  /** One of the nine of contract 2.8; others look like the default. */
  readonly colorTheme: string;
  /** In the addresses of the assets, so that browsers may keep them. */
  readonly version: string;
  /** Whether pages that load Lucide from unpkg.com get our copy. Default: no. */
  readonly localIcons?: boolean;
}

/** What is put into a page, ready to be sent. */
export interface Layout {
  /** For the start tag of `<html>`. */
  readonly attributes: Buffer;
  /** Before the end of the head. */
  readonly assets: Buffer;
  /** After the start tag of the body. */
  readonly opening: Buffer;
  /** Before its end. */
  readonly closing: Buffer;
  /** Address of our copy of Lucide; undefined: pages load it from where they say. */
  readonly icons: string | undefined;
  /** Names all of the above, in letters that may stand in an ETag. */
  readonly tag: string;
}

const closing = Buffer.from("</div></div>");

export function renderLayout(options: PageOptions): Layout {
  const attributes = inAscii(themeAttributes(options.theme, options.colorTheme));
  const assets = inAscii(assetTags(options.version));
  const opening = inAscii(
    `<div class="hivematrix-layout">${renderSidePanel(options)}<div class="hivematrix-content">`,
  );
  const icons =
    options.localIcons === true
      ? `/static/js/lucide.js?v=${encodeURIComponent(options.version)}`
      : undefined;
  const hash = createHash("sha256")
    .update(attributes)
    .update(assets)
    .update(opening)
    .update(icons ?? "");
  return {
    attributes,
    assets,
    opening,
    closing,
    icons,
    tag: hash.digest("base64url").slice(0, 11),
  };
}

/** For the start tag of `<html>`, with a space before. */
export function themeAttributes(theme: Theme, colorTheme: string): string {
  return ` data-theme="${theme}" data-color-theme="${escapeHtml(colorTheme)}"`;
}

/**
 * For the head. The first script is not deferred: it sets the look before anything is drawn.
 * It comes before the stylesheets, because a script waits for those that are before it.
 */
export function assetTags(version: string): string {
  const query = `?v=${encodeURIComponent(version)}`;
  return (
    `<script src="/static/js/theme.js${query}"></script>` +
    `<link rel="stylesheet" href="/static/css/global.css${query}">` +
    `<link rel="stylesheet" href="/static/css/side-panel.css${query}">` +
    `<script defer src="/static/js/panel.js${query}"></script>`
  );
}

/** The page may be in any encoding that has ASCII in it. */
function inAscii(markup: string): Buffer {
  const ascii = markup.replace(
    /[\u0080-\u{10ffff}]/gu,
    (character) => `&#${String(character.codePointAt(0))};`,
  );
  return Buffer.from(ascii, "latin1");
}
