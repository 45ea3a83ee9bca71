import * as pulumi from "@pulumi/pulumi";

import { File } from "../provider/sdk/file.ts";
import { healthAddresses, portOf } from "../addresses.ts";
import type { Ports } from "../ports.js";
import type { App } from "../registry.ts";
import type { Host } from "./host.ts";

export interface ServiceDirectoryArgs {
  readonly host: Host;
  readonly apps: Readonly<Record<string, App>>;
  readonly ports: Ports;
}

/**
 * services.json: where each service finds the others (contract 3.5); routes.json: which of them
 * the gateway offers, and to whom; health.json: where each says that it is ready, for `hive`.
 */
export class ServiceDirectory extends pulumi.ComponentResource {
  readonly path: string;
  /** Text of services.json. */
  readonly content: string;
  readonly routesPath: string;
  /** Changes with the routes. */
  readonly routesHash: pulumi.Output<string>;

  constructor(name: string, args: ServiceDirectoryArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    super("hivematrix:index:ServiceDirectory", name, plain, opts);
    const child = { parent: this, provider: host.provider, dependsOn: host.ready };
    this.path = `${host.settings}/services.json`;
    this.routesPath = `${host.settings}/routes.json`;
    this.content = servicesJson(args);
    new File(
      `${name}-file`,
      { path: this.path, content: this.content, mode: "0644", ...host.owned },
      child,
    );
    const routes = new File(
      `${name}-routes`,
      { path: this.routesPath, content: routesJson(args), mode: "0644", ...host.owned },
      child,
    );
    new File(
      `${name}-health`,
      {
        path: `${host.settings}/health.json`,
        content: healthJson(args),
        mode: "0644",
        ...host.owned,
      },
      child,
    );
    this.routesHash = routes.sha256;
    this.registerOutputs({ path: this.path });
  }
}

/** The text of services.json, in the registry's order, Keycloak last. */
export function servicesJson(args: Omit<ServiceDirectoryArgs, "host">): string {
  const entries = Object.entries(args.apps).map(([name, app]): [string, object] => {
    const scheme = app.port === "gateway" ? "https" : "http";
    const { groups = [], visible = false } = app.gateway ?? {};
    const adminOnly = groups.join() === "admins" ? { admin_only: true } : {};
    return [
      name,
      { url: `${scheme}://localhost:${String(portOf(app, args.ports))}`, visible, ...adminOnly },
    ];
  });
  const keycloak = {
    url: `http://localhost:${String(args.ports.keycloak)}`,
    visible: false,
    admin_only: true,
  };
  return `${JSON.stringify({ ...Object.fromEntries(entries), keycloak }, null, 2)}\n`;
}

/** The text of routes.json (runtime/gateway/routes.ts), in the registry's order. */
export function routesJson(args: Pick<ServiceDirectoryArgs, "apps" | "ports">): string {
  const services = Object.entries(args.apps).flatMap(([name, app]) => {
    if (app.gateway === undefined) return [];
    const url = `http://127.0.0.1:${String(portOf(app, args.ports))}`;
    const kind = app.gateway.kind ?? (app.source.runtime === undefined ? "python" : "own");
    return [{ name, title: titleOf(name), url, ...app.gateway, kind, health: app.health }];
  });
  return `${JSON.stringify({ services }, null, 2)}\n`;
}

function healthJson({ apps, ports }: Pick<ServiceDirectoryArgs, "apps" | "ports">): string {
  return `${JSON.stringify(healthAddresses(apps, ports), null, 2)}\n`;
}

function titleOf(name: string): string {
  return name.replaceAll(/[_-]+/g, " ").replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
