import { problemOf } from "../kernel/serviceError.ts";
import { isMember } from "./access.ts";
import type { Session } from "./coreClient.ts";
import type { Exchange } from "./exchange.ts";
import { errorPage } from "./page/errorPage.ts";
import { ownPage } from "./page/ownPage.ts";
import { securityHeaders } from "./responseHeaders.ts";
import { usualLook, type Look } from "./preferences.ts";
import type { Routes } from "./routes.ts";

export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Pages of our own have no script and no style but those among our static files. */
const ownPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export interface OwnPage {
  readonly title: string;
  /** Markup; text in it has been through escapeHtml. */
  readonly body: string;
}

/** What the gateway says itself, with the headers that all its answers have. */
export interface Answers {
  page(exchange: Exchange, status: number, page: OwnPage, headers?: AnswerHeaders): void;
  json(exchange: Exchange, status: number, body: unknown, headers?: AnswerHeaders): void;
  /** A file or nothing; kept by caches as the headers say. */
  bytes(exchange: Exchange, status: number, body: Buffer | undefined, headers: AnswerHeaders): void;
  redirect(
    exchange: Exchange,
    status: 302 | 303 | 308,
    location: string,
    headers?: AnswerHeaders,
  ): void;
  /** As a page for people, else as problem+json; cuts the connection if an answer has begun. */
  fault(exchange: Exchange, fault: unknown): void;
}

export interface AnswersOptions {
  readonly publicOrigin: URL;
  readonly routes: () => Routes;
  /** Of somebody who is signed in; undefined: what the browser remembers. */
  readonly look: (session: Session) => Look | undefined;
}

export function createAnswers({ publicOrigin, routes, look }: AnswersOptions): Answers {
  const usual = {
    ...Object.fromEntries(securityHeaders(publicOrigin)),
    "content-security-policy": ownPolicy,
    "cache-control": "no-store",
  };

  function send(
    { request, response, id }: Exchange,
    status: number,
    body: string | Buffer | undefined,
    headers: AnswerHeaders,
  ): void {
    const all = { ...usual, "x-correlation-id": id, ...headers };
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    if (status !== 304 && status !== 204) response.setHeader("content-length", length);
    response.writeHead(status);
    response.end(request.method === "HEAD" ? undefined : body);
  }

  const answers: Answers = {
    page(exchange, status, { title, body }, headers = {}) {
      const { session } = exchange;
      const menu =
        session === undefined
          ? {}
          : {
              ...viewer(session, routes()),
              ...(look(session) ?? { colorTheme: usualLook.colorTheme }),
            };
      const page = ownPage({ title, body, ...menu });
      send(exchange, status, page, { "content-type": "text/html; charset=utf-8", ...headers });
    },
    json(exchange, status, body, headers = {}) {
      const text = JSON.stringify(body);
      send(exchange, status, text, { "content-type": "application/json", ...headers });
    },
    bytes: send,
    redirect(exchange, status, location, headers = {}) {
      send(exchange, status, undefined, { location, ...headers });
    },
    fault(exchange, fault) {
      if (exchange.response.headersSent) {
        exchange.response.destroy();
        return;
      }
      const { status, headers, body } = problemOf(fault, exchange.instance);
      if (!exchange.navigation) {
        answers.json(exchange, status, body, headers);
        return;
      }
      const { session } = exchange;
      const page = errorPage({
        ...(session === undefined ? undefined : look(session)),
        status,
        title: String(body["title"]),
        detail: String(body["detail"]),
        requestId: exchange.id,
      });
      send(exchange, status, page, { ...headers, "content-type": "text/html; charset=utf-8" });
    },
  };
  return answers;
}

/** Who looks at a page, and what they may go to. */
export function viewer(
  session: Session | undefined,
  routes: Routes,
): {
  services: { name: string; title: string }[];
  user: { name: string; level: string } | undefined;
} {
  if (session === undefined) return { services: [], user: undefined };
  const { user } = session;
  return {
    user: {
      name: user.name ?? user.preferred_username ?? user.email ?? "",
      level: user.permission_level,
    },
    services: [...routes.values()]
      .filter((route) => route.visible && isMember(route, user.groups))
      .map(({ name, title }) => ({ name, title })),
  };
}
