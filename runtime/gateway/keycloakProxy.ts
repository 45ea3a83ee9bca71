import { ServiceError } from "../kernel/serviceError.ts";
import type { GatewayConfig } from "./config.ts";
import type { Exchange } from "./exchange.ts";
import { rewriteLocation, type InnerAddresses } from "./location.ts";
import { hasBody, type Proxy } from "./proxy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import type { RequestPath } from "./requestPath.ts";

export interface KeycloakProxyOptions {
  readonly config: GatewayConfig;
  readonly inner: () => InnerAddresses;
  readonly proxy: Proxy;
}

/**
 * `/keycloak/…`: the realm people sign in to and the files of its pages. Neither the realm master
 * nor anything of the administration is reached from here (weakness 17).
 */
export function createKeycloakProxy(
  options: KeycloakProxyOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { config, inner, proxy } = options;
  const publicOrigin = new URL(config.PUBLIC_ORIGIN);
  const open = [`/realms/${encodeURIComponent(config.KEYCLOAK_REALM)}/`, "/resources/"];

  return async (exchange, path) => {
    if (!open.some((prefix) => path.rest.startsWith(prefix))) {
      throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
    }
    const { request } = exchange;
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
    });
  };
}
