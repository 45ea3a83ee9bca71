import { z } from "zod";

import { permissionLevels } from "../kernel/token.ts";
import { databaseEnv, origin, readConfig, serverEnv } from "../kernel/config.ts";

const serviceName = z.string().regex(/^[a-z0-9_-]{1,50}$/, "must be a service's name");

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
  /** JSON text of `{level: [services]}`: whose lines users below administrator may read; default none's. */
  LOG_READERS: z
    .string()
    .default("{}")
    .transform(parseJson)
    .pipe(z.partialRecord(z.enum(permissionLevels), z.array(serviceName).readonly())),
  /** PEM of the authority that signed the gateway's certificate. */
  CA_FILE: z.string().startsWith("/").optional(),
});

/** What the program must set; `tsc` fails where it does not. */
export type LoggerEnv = z.input<typeof loggerEnv>;
export type LoggerConfig = z.output<typeof loggerEnv>;

export function readLoggerConfig(env: Readonly<Record<string, string | undefined>>): LoggerConfig {
  return readConfig(loggerEnv, env);
}
