import { portOf } from "./addresses.ts";
import type { Ports } from "./ports.js";
import type { App } from "./registry.ts";

/** A TCP port that a part of the platform listens on. */
export interface DeclaredPort {
  readonly name: string;
  readonly port: number;
  /** Whether it is meant for everybody; else for the host alone. */
  readonly open: boolean;
}

/** TCP ports that everybody may reach: the gateway's, and the one that redirects to it. */
export function openPorts({ gateway }: Pick<Ports, "gateway">): number[] {
  return gateway === 443 ? [80, 443] : [gateway];
}

/** Everything that listens. @param real whether the gateway is for everybody, or a trial's for this machine */
export function declaredPorts(
  apps: Readonly<Record<string, App>>,
  ports: Ports,
  real: boolean,
): DeclaredPort[] {
  const own = Object.entries(apps).map(([name, app]) => ({
    name,
    port: portOf(app, ports),
    open: real && app.port === "gateway",
  }));
  return [
    ...own,
    { name: "keycloak", port: ports.keycloak, open: false },
    { name: "keycloak-management", port: ports.keycloakManagement, open: false },
    { name: "postgres", port: ports.postgres, open: false },
  ];
}
