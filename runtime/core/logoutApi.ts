import type { FastifyInstance } from "fastify";

import { ServiceError } from "../kernel/serviceError.ts";
import { IdentityRefused, IdentityUnavailable } from "./keycloak.ts";
import type { Sessions } from "./sessions.ts";

/** Characters of a logout token. */
const longest = 16_384;

/**
 * Where Keycloak tells that a session has ended there (OpenID Connect Back-Channel Logout 1.0). The
 * token proves that it is Keycloak; core listens on loopback alone.
 */
export function addLogoutApi(app: FastifyInstance, sessions: Sessions): void {
  void app.register((api, _options, done) => {
    api.removeAllContentTypeParsers();
    const form = "application/x-www-form-urlencoded";
    api.addContentTypeParser(form, { parseAs: "string" }, (_request, text, next) => {
      next(null, new URLSearchParams(text.toString()));
    });

    api.post("/backchannel-logout", async (request) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const token = form.get("logout_token") ?? "";
      if (token === "" || token.length > longest) {
        throw new ServiceError(400, "ERR_NO_TOKEN", "No logout_token provided");
      }
      try {
        await sessions.endByLogoutToken(token);
        return {};
      } catch (cause) {
        if (cause instanceof IdentityRefused) {
          throw new ServiceError(400, "ERR_LOGOUT_TOKEN", "Invalid logout token", { cause });
        }
        if (!(cause instanceof IdentityUnavailable)) throw cause;
        const message = "The identity provider does not answer.";
        throw new ServiceError(503, "ERR_IDENTITY_UNAVAILABLE", message, { cause });
      }
    });
    done();
  });
}
