import { buffer } from "node:stream/consumers";

import type { OwnPage } from "./answers.ts";
import { isCrossOrigin, type Exchange } from "./exchange.ts";
import { escapeHtml } from "./page/escape.ts";
import { limitBody } from "./requestBody.ts";

/** Bytes of a form that is given back. */
const mostBytes = 262_144;
const mostFields = 500;

/**
 * A form that was sent when the session was over is not lost (weakness 12): the page that says so
 * holds what was filled in, and sends it on once somebody has signed in. Nothing is kept here, and
 * nobody else's form is shown: it has to come from a page of ours.
 * @returns undefined for what is no such form: files, large ones, other kinds of bodies
 */
export async function keepForm(
  exchange: Exchange,
  publicOrigin: URL,
): Promise<OwnPage | undefined> {
  const { request, navigation } = exchange;
  const type = request.headers["content-type"] ?? "";
  const isForm = /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type);
  if (!navigation || request.method !== "POST" || !isForm) return undefined;
  if (isCrossOrigin(request, publicOrigin)) return undefined;
  const fields = await readFields(exchange, type).catch(() => undefined);
  if (fields === undefined || fields.length > mostFields) return undefined;
  const inputs = fields
    .map(
      ([name, value]) =>
        `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    )
    .join("");
  const encoding = /^multipart/i.test(type) ? ' enctype="multipart/form-data"' : "";
  return {
    title: "Sign in to go on",
    body:
      '<h1 class="own-page__title">Sign in to go on</h1>' +
      '<p class="own-page__detail">Your session had ended, so nothing was changed. What you filled in is still here.</p>' +
      `<form method="post" action="${escapeHtml(request.url ?? "/")}"${encoding}>${inputs}` +
      '<p class="own-page__actions">' +
      '<a class="btn btn--secondary" href="/login" target="_blank" rel="noopener">1. Sign in (new window)</a> ' +
      '<button class="btn btn--primary">2. Send again</button></p></form>',
  };
}

async function readFields(
  exchange: Exchange,
  type: string,
): Promise<[string, string][] | undefined> {
  const body = await buffer(limitBody(exchange.request, mostBytes));
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- for bodies without a bound; this one has
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const fields = [...form];
  // A file cannot be given back: a page may not fill it in.
  return fields.every((field): field is [string, string] => typeof field[1] === "string")
    ? fields
    : undefined;
}
