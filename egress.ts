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

/** Whom each service may talk with, and the servers, which are in no registry. */
export function egressOf(apps: Readonly<Record<string, App>>): Record<string, Egress> {
  const declared = Object.entries(apps).map(([name, { egress }]): [string, Egress] => [
    name,
    Array.isArray(egress)
      ? { networks: egress, reason: undefined }
      : { networks: ["any"], reason: egress.any },
  ]);
  return { ...Object.fromEntries(declared), ...servers };
}

/** One line for each service: who may talk out. Printed by previews and `hive audit`. */
export function describeEgress(all: Readonly<Record<string, Egress>>): string[] {
  return Object.entries(all).map(([name, { networks, reason }]) => {
    if (networks.length === 0) return `${name} talks with nobody outside`;
    const whom = networks.includes("any") ? "anybody" : networks.join(", ");
    return `${name} may talk with ${whom}${reason === undefined ? "" : ` (${reason})`}`;
  });
}
