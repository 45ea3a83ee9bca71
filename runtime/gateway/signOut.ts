import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { GatewayConfig } from "./config.ts";
import type { CoreClient } from "./coreClient.ts";
import { isDocument, type Exchange } from "./exchange.ts";
import type { SessionCache } from "./sessionCache.ts";
import { clearSessionCookie, readSessionCookie } from "./sessionCookie.ts";

export interface SignOutOptions {
  readonly config: GatewayConfig;
  readonly core: Pick<CoreClient, "end">;
  readonly sessions: SessionCache;
  readonly answers: Answers;
  readonly log: Log;
}

/**
 * `/logout`: ends the session here, at core and at Keycloak (weakness 8). A link of ours does so at
 * once; whoever comes from elsewhere is asked first, and only our own form answers (weakness 9).
 */
export function createSignOut(options: SignOutOptions): (exchange: Exchange) => Promise<void> {
  const { config, core, sessions, answers, log } = options;
  const { PUBLIC_ORIGIN, KEYCLOAK_REALM, KEYCLOAK_CLIENT_ID } = config;
  const realm = `${PUBLIC_ORIGIN}/keycloak/realms/${encodeURIComponent(KEYCLOAK_REALM)}`;

  async function endSession(cookie: string): Promise<string | undefined> {
    sessions.forget(cookie);
    try {
      return (await core.end(cookie)).idToken;
    } catch (fault) {
      // The browser loses the secret all the same, and nobody else has it.
      log.warn({ err: fault }, "a session was signed out but not ended at core");
      return undefined;
    }
  }

  return async (exchange) => {
    const { request, response } = exchange;
    if (request.method === "POST") {
      if (request.headers.origin !== PUBLIC_ORIGIN) {
        throw new ServiceError(403, "ERR_CROSS_ORIGIN", "This came from another site.");
      }
    } else if (!isOwnLink(exchange, PUBLIC_ORIGIN)) {
      answers.page(exchange, 200, confirmation);
      return;
    }
    const cookie = readSessionCookie(request.headers.cookie);
    const idToken = cookie === undefined ? undefined : await endSession(cookie);
    const query = new URLSearchParams({
      client_id: KEYCLOAK_CLIENT_ID,
      post_logout_redirect_uri: `${PUBLIC_ORIGIN}/`,
      // Without it Keycloak asks the user once more.
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
    });
    response.appendHeader("set-cookie", clearSessionCookie());
    answers.redirect(exchange, 303, `${realm}/protocol/openid-connect/logout?${query.toString()}`, {
      "clear-site-data": '"cache", "storage"',
      "referrer-policy": "no-referrer",
    });
  };
}

const confirmation = {
  title: "Sign out",
  body:
    "<h1>Sign out</h1><p>Do you want to sign out of HiveMatrix?</p>" +
    '<form method="post" action="/logout"><button class="btn btn--primary">Sign out</button></form>',
};

/** A window goes there by our own link or by hand: not an image, not a link of another site. */
function isOwnLink(exchange: Exchange, publicOrigin: string): boolean {
  const { headers } = exchange.request;
  const site = headers["sec-fetch-site"];
  if (site !== undefined)
    return (site === "same-origin" || site === "none") && isDocument(exchange);
  const { referer } = headers;
  return referer !== undefined && URL.canParse(referer) && new URL(referer).origin === publicOrigin;
}
