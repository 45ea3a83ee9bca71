import * as pulumi from "@pulumi/pulumi";

import { File } from "../provider/sdk/file.ts";
import type { App } from "../registry.ts";
import type { Host } from "./host.ts";

export interface ServiceDirectoryArgs {
  readonly host: Host;
  readonly apps: Readonly<Record<string, App>>;
  /** Ports by the names the registry uses. */
  readonly ports: { readonly gateway: number; readonly core: number; readonly logger: number };
  /** TCP port of Keycloak, which is listed but is no app. */
  readonly keycloakPort: number;
}

/** services.json: where each service finds the others (contract, services.json). */
export class ServiceDirectory extends pulumi.ComponentResource {
  readonly path: string;

  constructor(name: string, args: ServiceDirectoryArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    super("hivematrix:index:ServiceDirectory", name, plain, opts);
    this.path = `${host.root}/services.json`;
    new File(
      `${name}-file`,
      { path: this.path, content: servicesJson(args), mode: "0644", ...host.owned },
      { parent: this, provider: host.provider, dependsOn: host.ready },
    );
    this.registerOutputs({ path: this.path });
  }
}

/** The text of services.json, in the registry's order, Keycloak last. */
export function servicesJson(args: Omit<ServiceDirectoryArgs, "host">): string {
  const entries = Object.entries(args.apps).map(([name, app]): [string, object] => {
    const port = typeof app.port === "number" ? app.port : args.ports[app.port];
    const scheme = app.port === "gateway" ? "https" : "http";
    const adminOnly = app.adminOnly ? { admin_only: true } : {};
    return [
      name,
      { url: `${scheme}://localhost:${String(port)}`, visible: app.visible, ...adminOnly },
    ];
  });
  const keycloak = {
    url: `http://localhost:${String(args.keycloakPort)}`,
    visible: false,
    admin_only: true,
  };
  return `${JSON.stringify({ ...Object.fromEntries(entries), keycloak }, null, 2)}\n`;
}
