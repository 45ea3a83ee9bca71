import { escapeHtml } from "./escape.ts";
import { ownPage, type OwnPageOptions } from "./ownPage.ts";

export interface ErrorPageOptions extends Pick<OwnPageOptions, "theme" | "colorTheme"> {
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** One or two sentences for people; plain text. */
  readonly detail: string;
  /** What to name when asking for help. */
  readonly requestId?: string | undefined;
}

/** What somebody sees instead of a page. */
export function errorPage({ status, title, detail, requestId, ...look }: ErrorPageOptions): string {
  const reference =
    requestId === undefined
      ? ""
      : `<p class="own-page__reference">Request <code>${escapeHtml(requestId)}</code></p>`;
  const body =
    `<p class="own-page__status">${String(status)}</p>` +
    `<h1 class="own-page__title">${escapeHtml(title)}</h1>` +
    `<p class="own-page__detail">${escapeHtml(detail)}</p>` +
    `<p class="own-page__actions"><a class="btn btn--primary" href="/">Back to the start</a></p>${reference}`;
  return ownPage({ title, body, ...look });
}
