import { assetVersion } from "../assets.ts";
import { assetTags, themeAttributes } from "./layout.ts";
import { escapeHtml } from "./escape.ts";
import { renderSidePanel, type PanelService, type PanelUser, type Theme } from "./sidePanel.ts";

export interface OwnPageOptions {
  readonly title: string;
  /** Markup, inside of `<main>`; whoever writes it escapes. */
  readonly body: string;
  /** With them the page has the side panel; without, it is a card in the middle. */
  readonly services?: readonly PanelService[];
  /** Default: none of the services. */
  readonly active?: string;
  readonly user?: PanelUser | undefined;
  /** Default: what the browser remembers or the system prefers, light without scripts. */
  readonly theme?: Theme | undefined;
  /** Default `purple`. */
  readonly colorTheme?: string;
}

/** A whole page of the gateway's own, without any inline script or style. */
export function ownPage(options: OwnPageOptions): string {
  const { title, body, services, active = "", user, theme, colorTheme = "purple" } = options;
  const attributes =
    theme === undefined
      ? ` data-color-theme="${escapeHtml(colorTheme)}"`
      : themeAttributes(theme, colorTheme);
  const content =
    services === undefined
      ? `<div class="own-page"><header class="own-page__brand"><img src="/static/img/hive.svg" alt="" width="28" height="28">HiveMatrix</header><main class="own-page__card card">${body}</main></div>`
      : `<div class="hivematrix-layout">${renderSidePanel({ services, active, user, theme: theme ?? "light" })}<div class="hivematrix-content"><main>${body}</main></div></div>`;
  return (
    `<!doctype html>\n<html lang="en"${attributes}><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${escapeHtml(title)} - HiveMatrix</title>` +
    '<link rel="icon" type="image/svg+xml" href="/static/img/hive.svg">' +
    `${assetTags(assetVersion)}</head><body>${content}</body></html>\n`
  );
}
