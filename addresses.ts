import type { Ports } from "./ports.js";
import type { App } from "./registry.ts";

/** Where the platform's own parts are reached; known before anything is there. */
export interface Addresses {
  /** Origin people enter by, without a path. */
  readonly gateway: string;
  readonly core: string;
  readonly logger: string;
}

/** @param domain name or address people enter by */
export function addresses(ports: Ports, domain = "localhost"): Addresses {
  const port = ports.gateway === 443 ? "" : `:${String(ports.gateway)}`;
  return {
    gateway: `https://${domain.includes(":") ? `[${domain}]` : domain}${port}`,
    core: `http://localhost:${String(ports.core)}`,
    logger: `http://localhost:${String(ports.logger)}`,
  };
}

/** TCP port of an app: its own, or the platform's it names. */
export function portOf({ port }: App, ports: Ports): number {
  return typeof port === "number" ? port : ports[port];
}

/** Address by app that answers 200 when it is ready; Keycloak's too. */
export function healthAddresses(
  apps: Readonly<Record<string, App>>,
  ports: Ports,
): Record<string, string> {
  const own = Object.entries(apps).map(([name, app]): [string, string] => {
    const origin = app.source.runtime === "gateway" ? "https://localhost" : "http://127.0.0.1";
    return [name, `${origin}:${String(portOf(app, ports))}${app.health}`];
  });
  return {
    ...Object.fromEntries(own),
    keycloak: `http://127.0.0.1:${String(ports.keycloakManagement)}/health/ready`,
  };
}
