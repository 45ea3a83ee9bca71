import { markup, type Markup } from "./markup.ts";

/** A whole page; the gateway adds style sheets and side panel (contract 2.8). */
export function renderDocument(title: string, content: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - HiveMatrix</title>
</head>
<body>
<main role="main">
${content}
</main>
</body>
</html>
`.html;
}

/** What somebody sees who may not see the page. */
export function renderForbidden(): string {
  return renderDocument(
    "Not allowed",
    markup`<header class="page-header"><h1 class="page-header__title">Not allowed</h1></header>
<section class="card"><div class="card__body"><p>This page is for administrators.</p></div></section>`,
  );
}
