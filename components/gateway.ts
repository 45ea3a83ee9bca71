import * as pulumi from "@pulumi/pulumi";

import type { GatewayEnv } from "../runtime/gateway/config.ts";
import type { Callers } from "./callers.ts";
import type { Certificate } from "./certificate.ts";
import type { Core } from "./core.ts";
import type { Host } from "./host.ts";
import type { KeycloakServer } from "./keycloakServer.ts";
import type { Realm } from "./realm.ts";
import type { Runtime } from "./runtime.ts";
import { Service } from "./service.ts";
import type { ServiceDirectory } from "./serviceDirectory.ts";

export interface GatewayArgs {
  readonly host: Host;
  readonly runtime: Runtime;
  readonly certificate: Certificate;
  readonly keycloak: KeycloakServer;
  readonly realm: Realm;
  readonly core: Core;
  readonly callers: Callers;
  readonly directory: ServiceDirectory;
  /** TCP port on 127.0.0.1 and ::1. */
  readonly port: number;
  /** TCP port on 127.0.0.1 for Prometheus. */
  readonly metricsPort: number;
  /** Origin people enter by, without a path. */
  readonly origin: string;
  readonly loggerUrl: string;
}

/** Most of what a request needs is forgotten with it: little room, looked through often, keeps the process small. */
const flags = ["--max-semi-space-size=2"];

/** The gateway: the one entry; signs people in and forwards what they may ask for. */
export class Gateway extends Service<GatewayEnv, "COOKIE_KEY"> {
  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, runtime, certificate, keycloak, realm, core, callers, directory } = args;
    super(
      name,
      {
        host,
        runtime,
        program: "gateway",
        flags,
        description: "HiveMatrix gateway: the one entry",
        credentials: ["SERVICE_SECRET", "KEYCLOAK_CLIENT_SECRET"],
        capabilities: args.port < 1024 ? ["CAP_NET_BIND_SERVICE"] : [],
        env: {
          PORT: String(args.port),
          METRICS_PORT: String(args.metricsPort),
          // Where people come to the usual port, they also come without TLS.
          ...(args.port === 443 ? { REDIRECT_PORT: "80" } : {}),
          MALLOC_ARENA_MAX: "1",
          // A real host is entered from everywhere, the trial from its own machine.
          ...(host.supervisor === "systemd" ? { HOSTS: "0.0.0.0,::" } : {}),
          PUBLIC_ORIGIN: args.origin,
          TLS_CERTIFICATE_FILE: certificate.certificatePath,
          TLS_KEY_FILE: certificate.keyPath,
          ...(certificate.local === undefined
            ? {}
            : {
                TLS_LOCAL_CERTIFICATE_FILE: certificate.local.certificatePath,
                TLS_LOCAL_KEY_FILE: certificate.local.keyPath,
              }),
          ROUTES_FILE: directory.routesPath,
          CORE_URL: core.url,
          SERVICE_NAME: name,
          SERVICE_SECRET: callers.secretOf(name),
          LOGGER_URL: args.loggerUrl,
          KEYCLOAK_URL: keycloak.url,
          KEYCLOAK_REALM: realm.realm,
          KEYCLOAK_CLIENT_ID: realm.clientId,
          KEYCLOAK_CLIENT_SECRET: realm.clientSecret,
        },
        secrets: ["COOKIE_KEY"],
        ready: [
          {
            http: {
              url: `https://localhost:${String(args.port)}/health/live`,
              certificateAuthority: certificate.authority,
            },
          },
        ],
        reloadOn: [directory.routesHash, certificate.hash],
      },
      pulumi.mergeOptions(opts, { dependsOn: [core, certificate, directory] }),
    );
  }
}
