import * as pulumi from "@pulumi/pulumi";

import type { CoreEnv } from "../runtime/core/config.ts";
import type { TokenRules } from "../tokenRules.ts";
import type { Callers } from "./callers.ts";
import type { Database } from "./database.ts";
import type { Host } from "./host.ts";
import type { KeycloakServer } from "./keycloakServer.ts";
import type { Realm } from "./realm.ts";
import type { Runtime } from "./runtime.ts";
import { Service } from "./service.ts";

export interface CoreArgs {
  readonly host: Host;
  readonly runtime: Runtime;
  readonly database: Database;
  readonly keycloak: KeycloakServer;
  readonly realm: Realm;
  readonly callers: Callers;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Name of the gateway, which alone may use the session API. */
  readonly gateway: string;
  /** Address of the logger. */
  readonly loggerUrl: string;
  readonly rules: TokenRules;
  /** Services of others' code; where each has a system user of its own, core knows them by that. */
  readonly apps: readonly { readonly name: string }[];
}

/** Core: tokens, sessions and the keys they are signed with. */
export class Core extends Service<CoreEnv, "ENCRYPTION_KEY"> {
  readonly url: string;

  constructor(name: string, args: CoreArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, runtime, database, keycloak, realm, callers, port } = args;
    const url = `http://localhost:${String(port)}`;
    super(
      name,
      {
        host,
        runtime,
        program: "core",
        description: "HiveMatrix core: tokens, sessions and keys",
        credentials: ["DB_PASSWORD", "KEYCLOAK_CLIENT_SECRET", "CALLER_SECRETS"],
        env: {
          PORT: String(port),
          ...database.environment,
          KEYCLOAK_URL: keycloak.url,
          KEYCLOAK_REALM: realm.realm,
          KEYCLOAK_ISSUER: realm.issuer,
          KEYCLOAK_CLIENT_ID: realm.clientId,
          KEYCLOAK_CLIENT_SECRET: realm.clientSecret,
          GATEWAY_NAME: args.gateway,
          CALLER_SECRETS: callers.all,
          LOGGER_URL: args.loggerUrl,
          ...environmentOf(args.rules),
          CALLER_USERS: JSON.stringify(usersOf(args)),
        },
        secrets: ["ENCRYPTION_KEY"],
        ready: [{ http: { url: `http://127.0.0.1:${String(port)}/health` } }],
      },
      pulumi.mergeOptions(opts, { dependsOn: database.ready }),
    );
    database.usedBy(this.process);
    this.url = url;
  }
}

function environmentOf(rules: TokenRules) {
  return {
    USER_TOKEN_LIFETIME: String(rules.userTokenLifetime),
    SERVICE_TOKEN_LIFETIME: String(rules.serviceTokenLifetime),
    SESSION_LIFETIME: String(rules.sessionLifetime),
    SESSION_IDLE: String(rules.sessionIdle),
    SERVICE_TOKENS_PER_MINUTE: String(rules.serviceTokensPerMinute),
    MINTING: rules.minting,
    CALLS: JSON.stringify(rules.calls),
    AUDIENCE_SERVICES: JSON.stringify(rules.audiences),
    CALLER_KEYS: JSON.stringify(rules.callerKeys),
    UNPROVEN_CALLERS: rules.unprovenCallers,
  } satisfies Partial<Record<keyof CoreEnv, string>>;
}

function usersOf({ host, apps, rules }: CoreArgs): Readonly<Record<string, string>> {
  if (host.supervisor === "runit") return rules.callerUsers;
  const own = apps.map(({ name }) => [name, host.accountOf(name).runAs.user ?? ""] as const);
  return { ...Object.fromEntries(own), ...rules.callerUsers };
}
