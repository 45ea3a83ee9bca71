import { z } from "zod";

import { databaseEnv, origin, readConfig, serverEnv } from "../kernel/config.ts";
import { loggerSettings } from "./settings.ts";

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: "custom", message: "must be JSON" });
    return z.NEVER;
  }
}

/** Environment of the logger. */
export const loggerEnv = z.object({
  ...serverEnv,
  ...databaseEnv,
  /** Whose tokens are accepted. */
  CORE_URL: origin,
  SERVICE_NAME: z.string().default("helm"),
  /** Folder of the supervisor's services; `<name>/log/main/current` of each is collected (svlogd). */
  SERVICES_FOLDER: z.string().startsWith("/"),
  /** JSON text of `{service: address that answers 200 when it is ready}`, for the page of services. */
  HEALTH_CHECKS: z.string().default("{}").transform(parseJson).pipe(z.record(z.string(), z.url())),
  /** JSON text: retention, alerts, forwarding and who may read (settings.ts). Holds secrets. */
  SETTINGS: z.string().default("{}").transform(parseJson).pipe(loggerSettings),
  /** PEM of the authority that signed the gateway's certificate. */
  CA_FILE: z.string().startsWith("/").optional(),
});

/** What the program must set; `tsc` fails where it does not. */
export type LoggerEnv = z.input<typeof loggerEnv>;
export type LoggerConfig = z.output<typeof loggerEnv>;

export function readLoggerConfig(env: Readonly<Record<string, string | undefined>>): LoggerConfig {
  return readConfig(loggerEnv, env);
}
