import { isIP } from "node:net";

import type { App } from "./registry.ts";

/** Whom a service may talk with besides its own machine. */
export interface Egress {
  /** CIDRs, for the unit's IPAddressAllow; `any` alone for everybody. */
  readonly networks: readonly string[];
  /** Why `any`, or where the rest comes from; for people. */
  readonly reason: string | undefined;
}

/** Databases are reached by loopback, and the realm names no mail server and no directory. */
const servers: Readonly<Record<string, Egress>> = {
  keycloak: { networks: [], reason: undefined },
  postgres: { networks: [], reason: undefined },
};

/**
 * Whom each service may talk with, and the servers, which are in no registry.
 * @param logger addresses (URLs) that the logger's own settings send it to
 */
export function egressOf(
  apps: Readonly<Record<string, App>>,
  logger: readonly string[] = [],
): Record<string, Egress> {
  const declared = Object.entries(apps).map(([name, { egress, source }]): [string, Egress] => {
    if (!Array.isArray(egress)) return [name, { networks: ["any"], reason: egress.any }];
    const own = { networks: egress, reason: undefined };
    return [name, source.runtime === "logger" ? withAddresses(own, logger) : own];
  });
  return { ...Object.fromEntries(declared), ...servers };
}

/** Only the host's part of an address is said: the rest may hold secrets. */
function withAddresses({ networks }: Egress, addresses: readonly string[]): Egress {
  const hosts = [...new Set(addresses.map((address) => new URL(address).hostname))]
    .map((host) => host.replace(/^\[|\]$/g, ""))
    .filter((host) => host !== "localhost" && host !== "::1" && !host.startsWith("127."));
  if (hosts.length === 0) return { networks, reason: undefined };
  const reason = `its alerts and lines go to ${hosts.join(", ")}`;
  // What a name stands for changes, and asking for it goes out, too.
  if (hosts.some((host) => isIP(host) === 0)) return { networks: ["any"], reason };
  const single = hosts.map((host) => `${host}/${isIP(host) === 4 ? "32" : "128"}`);
  return { networks: [...networks, ...single], reason };
}

/** One line for each service: who may talk out. Printed by previews and `hive audit`. */
export function describeEgress(all: Readonly<Record<string, Egress>>): string[] {
  return Object.entries(all).map(([name, { networks, reason }]) => {
    if (networks.length === 0) return `${name} talks with nobody outside`;
    const whom = networks.includes("any") ? "anybody" : networks.join(", ");
    return `${name} may talk with ${whom}${reason === undefined ? "" : ` (${reason})`}`;
  });
}
