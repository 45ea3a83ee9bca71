import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import type { GatewayConfig } from "./config.ts";
import type { Exchange } from "./exchange.ts";
import { rewriteLocation, type InnerAddresses } from "./location.ts";
import { keycloakPolicy } from "./pagePolicy.ts";
import type { Proxy } from "./proxy.ts";
import { hasBody } from "./requestBody.ts";
import { requestHeaders } from "./requestHeaders.ts";
import type { RequestPath } from "./requestPath.ts";
import { signInFailed } from "./signIn.ts";

export interface KeycloakProxyOptions {
  readonly config: GatewayConfig;
  readonly inner: () => InnerAddresses;
  readonly proxy: Proxy;
  readonly log: Log;
  /** Attempts to sign in of one address. @throws ServiceError 429 */
  readonly limit: (address: string) => void;
}

/** Bytes: forms, and pictures of themes at most. */
const bodyLimit = 2 ** 21;

/** Milliseconds. */
const timeout = 30_000;

/**
 * `/keycloak/…`: the realm people sign in to and the files of its pages. Neither the realm master
 * nor anything of the administration is reached from here (weakness 17).
 */
export function createKeycloakProxy(
  options: KeycloakProxyOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { config, inner, proxy, log, limit } = options;
  const publicOrigin = new URL(config.PUBLIC_ORIGIN);
  const open = [`/realms/${encodeURIComponent(config.KEYCLOAK_REALM)}/`, "/resources/"];

  return async (exchange, path) => {
    if (!open.some((prefix) => path.rest.startsWith(prefix))) {
      throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
    }
    const { request, response, address } = exchange;
    if (request.method === "POST" && path.rest.endsWith("/login-actions/authenticate")) {
      limit(address);
      // The form once more, in place of the way back: password or code were wrong, or a second step follows.
      response.once("finish", () => {
        if (response.statusCode === 200 || response.statusCode === 400) {
          log.warn({ address, code: "ERR_CREDENTIALS" }, signInFailed);
        }
      });
    }
    await proxy.forward(exchange, {
      origin: config.KEYCLOAK_URL,
      target: `${path.rest}${path.query}`,
      headers: requestHeaders({
        rawHeaders: request.rawHeaders,
        address: exchange.address,
        publicOrigin,
        requestId: exchange.id,
        keepAuthorization: true,
        body: hasBody(request),
      }),
      rewriteLocation: (value) => rewriteLocation(value, publicOrigin, inner()),
      personal: false,
      policy: keycloakPolicy,
      bodyLimit,
      timeout,
    });
  };
}
