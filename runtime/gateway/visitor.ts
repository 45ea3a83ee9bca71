import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { Session } from "./coreClient.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestPath } from "./requestPath.ts";
import type { SessionCache } from "./sessionCache.ts";
import { clearSessionCookie, readSessionCookie } from "./sessionCookie.ts";

export interface Visitors {
  /**
   * Who asks; undefined: nobody is signed in.
   * @throws ServiceError 503 when core does not answer
   */
  find(exchange: Exchange): Promise<Session | undefined>;
  /** People are sent to sign in; to anything else 401 is said (weakness 13). */
  askToSignIn(exchange: Exchange, path: RequestPath): void;
}

export function createVisitors(sessions: SessionCache, answers: Answers): Visitors {
  return {
    async find(exchange) {
      const cookie = readSessionCookie(exchange.request.headers.cookie);
      const session = cookie === undefined ? undefined : await sessions.find(cookie);
      if (session !== undefined) exchange.session = session;
      return session;
    },
    askToSignIn(exchange, { raw, query }) {
      const { request, response, navigation } = exchange;
      if (readSessionCookie(request.headers.cookie) !== undefined) {
        response.appendHeader("set-cookie", clearSessionCookie());
      }
      if (navigation && request.method === "GET") {
        answers.redirect(exchange, 302, `/login?next=${encodeURIComponent(raw + query)}`);
        return;
      }
      throw new ServiceError(
        401,
        "ERR_SIGN_IN_REQUIRED",
        "You are not signed in, or not any more. Nothing was changed.",
      );
    },
  };
}
