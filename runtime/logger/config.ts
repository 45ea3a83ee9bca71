import { z } from "zod";

import { databaseEnv, json, origin, readConfig, serverEnv } from "../kernel/config.ts";
import { loggerSettings } from "./settings.ts";

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
  HEALTH_CHECKS: json.pipe(z.record(z.string(), z.url())).prefault("{}"),
  /** JSON text: retention, alerts, forwarding and who may read (settings.ts). Holds secrets. */
  SETTINGS: json.pipe(loggerSettings).prefault("{}"),
  /** PEM of the authority that signed the gateway's certificate. */
  CA_FILE: z.string().startsWith("/").optional(),
});

/** What the program must set; `tsc` fails where it does not. */
export type LoggerEnv = z.input<typeof loggerEnv>;
export type LoggerConfig = z.output<typeof loggerEnv>;

export function readLoggerConfig(env: Readonly<Record<string, string | undefined>>): LoggerConfig {
  return readConfig(loggerEnv, env);
}
