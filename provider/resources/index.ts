import type { Resource } from "../resource.ts";

/** Loaded when first met: a preview that meets three kinds reads three files. */
export const resources = {
  Archive: async () => erase((await import("./archive.ts")).archive),
  Capacity: async () => erase((await import("./capacity.ts")).capacity),
  Certificate: async () => erase((await import("./certificate.ts")).certificate),
  CertificateAuthority: async () =>
    erase((await import("./certificateAuthority.ts")).certificateAuthority),
  Daemon: async () => erase((await import("./daemon.ts")).daemon),
  Directory: async () => erase((await import("./directory.ts")).directory),
  Exec: async () => erase((await import("./exec.ts")).exec),
  File: async () => erase((await import("./file.ts")).file),
  FirewallRuleset: async () => erase((await import("./firewallRuleset.ts")).firewallRuleset),
  Machine: async () => erase((await import("./machine.ts")).machine),
  Package: async () => erase((await import("./package.ts")).package_),
  Release: async () => erase((await import("./release.ts")).release),
  Secret: async () => erase((await import("./secret.ts")).secret),
  Service: async () => erase((await import("./service.ts")).service),
  Sql: async () => erase((await import("./sql.ts")).sql),
  Supervisor: async () => erase((await import("./supervisor.ts")).supervisor),
  Timer: async () => erase((await import("./timer.ts")).timer),
  Unit: async () => erase((await import("./unit.ts")).unit),
  User: async () => erase((await import("./user.ts")).user),
} satisfies Record<string, () => Promise<Resource>>;

export type ResourceName = keyof typeof resources;

/** Its values were checked against its schemas before they get here. */
function erase<I, O>(resource: Resource<I, O>): Resource {
  return resource as unknown as Resource;
}
