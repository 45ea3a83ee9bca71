import { ServiceError } from "../kernel/serviceError.ts";
import { type ApiClients, tokenIn } from "./apiClients.ts";
import type { Answers } from "./answers.ts";
import type { Session } from "./coreClient.ts";
import type { Exchange } from "./exchange.ts";
import { keepForm } from "./keptForm.ts";
import type { RateLimit } from "./rateLimit.ts";
import type { RequestPath } from "./requestPath.ts";
import type { SessionCache } from "./sessionCache.ts";
import { clearSessionCookie, readSessionCookie } from "./sessionCookie.ts";

export interface Visitors {
  /**
   * Who asks; undefined: nobody is signed in.
   * @throws ServiceError 503 when core does not answer; 429 when this user asks too often
   */
  find(exchange: Exchange): Promise<Session | undefined>;
  /** People are sent to sign in, and keep what they filled in; to anything else 401 is said (weakness 13). */
  askToSignIn(exchange: Exchange, path: RequestPath): Promise<void>;
}

export interface VisitorsOptions {
  readonly sessions: SessionCache;
  readonly apiClients: ApiClients;
  readonly answers: Answers;
  readonly publicOrigin: URL;
  /** For each user. */
  readonly limit: RateLimit;
}

export function createVisitors(options: VisitorsOptions): Visitors {
  const { sessions, apiClients, answers, publicOrigin, limit } = options;
  return {
    async find(exchange) {
      const { headers } = exchange.request;
      const token = tokenIn(headers);
      const cookie = readSessionCookie(headers.cookie);
      // A token that is no good is not made up for by a cookie.
      const session =
        token !== undefined
          ? await apiClients.find(token)
          : cookie === undefined
            ? undefined
            : await sessions.find(cookie);
      if (session === undefined) return undefined;
      exchange.session = session;
      limit.take(session.user.sub);
      return session;
    },
    async askToSignIn(exchange, { raw, query }) {
      const { request, response, navigation } = exchange;
      if (tokenIn(request.headers) !== undefined) {
        throw new ServiceError(401, "ERR_TOKEN", "The token is not valid, or not any more.", {
          headers: { "www-authenticate": 'Bearer error="invalid_token"' },
        });
      }
      if (readSessionCookie(request.headers.cookie) !== undefined) {
        response.appendHeader("set-cookie", clearSessionCookie());
      }
      if (navigation && request.method === "GET") {
        answers.redirect(exchange, 302, `/login?next=${encodeURIComponent(raw + query)}`);
        return;
      }
      const form = await keepForm(exchange, publicOrigin);
      if (form !== undefined) {
        answers.page(exchange, 401, form);
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
