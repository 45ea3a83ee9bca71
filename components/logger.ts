import * as pulumi from "@pulumi/pulumi";

import type { LoggerEnv } from "../runtime/logger/config.ts";
import type { LoggerSettings } from "../runtime/logger/settings.ts";
import type { Certificate } from "./certificate.ts";
import type { Database } from "./database.ts";
import type { Host } from "./host.ts";
import type { Runtime } from "./runtime.ts";
import { Service } from "./service.ts";

export interface LoggerArgs {
  readonly host: Host;
  readonly runtime: Runtime;
  readonly database: Database;
  readonly certificate: Certificate;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  readonly coreUrl: string;
  /** Address by service that answers 200 when the service is ready. */
  readonly healthChecks: Readonly<Record<string, string>>;
  /** What it keeps, whom it alerts, where it forwards to. Channels and endpoints hold secrets. */
  readonly settings: LoggerSettings;
}

/**
 * Flags of its node. Batches live for milliseconds: a large space for young objects only costs memory,
 * and a bounded heap is looked through before it grows.
 */
export const loggerFlags = ["--max-semi-space-size=2", "--max-old-space-size=192"] as const;

/** The logger: every service's lines, searchable, and the state of the services. */
export class Logger extends Service<LoggerEnv> {
  constructor(name: string, args: LoggerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, runtime, database, certificate, port } = args;
    super(
      name,
      {
        host,
        runtime,
        program: "logger",
        description: "HiveMatrix logger: every service's lines",
        credentials: ["DB_PASSWORD", "SETTINGS"],
        flags: loggerFlags,
        env: {
          PORT: String(port),
          ...database.environment,
          CORE_URL: args.coreUrl,
          SERVICE_NAME: name,
          SERVICES_FOLDER: `${host.root}/services`,
          HEALTH_CHECKS: JSON.stringify(args.healthChecks),
          CA_FILE: certificate.authorityPath,
          SETTINGS: pulumi.secret(JSON.stringify(args.settings)),
        },
        ready: [{ http: { url: `http://127.0.0.1:${String(port)}/health` } }],
      },
      pulumi.mergeOptions(opts, { dependsOn: [database.ready, certificate] }),
    );
    database.usedBy(this.process);
  }
}
