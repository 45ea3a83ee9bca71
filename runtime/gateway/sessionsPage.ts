import { text } from "node:stream/consumers";

import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { CoreClient } from "./coreClient.ts";
import { isCrossOrigin, type Exchange } from "./exchange.ts";
import { sessionsBody } from "./page/sessionsBody.ts";
import { checkLength, limitBody } from "./requestBody.ts";
import type { RequestPath } from "./requestPath.ts";
import { readSessionCookie } from "./sessionCookie.ts";
import type { Visitors } from "./visitor.ts";

export interface SessionsPageOptions {
  readonly core: Pick<CoreClient, "listSessions" | "endSession" | "endEverywhere">;
  readonly visitors: Visitors;
  readonly answers: Answers;
  readonly publicOrigin: URL;
}

/** Bytes of the form. */
const formLimit = 4096;

/** `/sessions`: where somebody is signed in, and the end of it; everybody's for administrators. */
export function createSessionsPage(
  options: SessionsPageOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { core, visitors, answers, publicOrigin } = options;

  async function act(exchange: Exchange, cookie: string): Promise<string> {
    const { request } = exchange;
    if (isCrossOrigin(request, publicOrigin) || request.headers.origin !== publicOrigin.origin) {
      throw new ServiceError(403, "ERR_CROSS_ORIGIN", "This came from another site.");
    }
    checkLength(request, formLimit);
    const form = new URLSearchParams(await text(limitBody(request, formLimit)));
    const everybody = form.get("everybody") === "yes";
    const [id, sub] = [form.get("id"), form.get("sub")];
    if (id === null && sub === null) {
      await core.endEverywhere(cookie, undefined);
      // At Keycloak too, which would sign in again by itself.
      return "/logout";
    }
    if (id !== null) await core.endSession(cookie, id);
    else await core.endEverywhere(cookie, sub ?? undefined);
    return everybody ? "/sessions?everybody=yes" : "/sessions";
  }

  return async (exchange, path) => {
    const session = await visitors.find(exchange);
    // A program with a token has no cookie, by which core knows whose page this is.
    const cookie = readSessionCookie(exchange.request.headers.cookie);
    if (session === undefined || cookie === undefined) {
      await visitors.askToSignIn(exchange, path);
      return;
    }
    if (exchange.request.method === "POST") {
      answers.redirect(exchange, 303, await act(exchange, cookie));
      return;
    }
    const everybody = new URLSearchParams(path.query).get("everybody") === "yes";
    const sessions = await core.listSessions(cookie, everybody);
    const admin = session.user.permission_level === "admin";
    const body = sessionsBody({ sessions, everybody, admin });
    answers.page(exchange, 200, { title: "Sessions", body });
  };
}
