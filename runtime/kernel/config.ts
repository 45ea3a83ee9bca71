import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

/** A service's environment is not usable; the message names every variable at fault, never a value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** TCP port from the environment, where everything is text. */
export const port = z.coerce.number().int().min(1).max(65_535);

/** Absolute http or https address without a slash at its end. */
export const origin = z
  .url({ protocol: /^https?$/ })
  .transform((address) => address.replace(/\/+$/, ""));

/** JSON text; `.pipe` says of what. */
export const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: "custom", message: "must be JSON" });
    return z.NEVER;
  }
});

/** What `serve` in server.ts reads, the same for every service. */
export const serverEnv = {
  PORT: port,
  /** Written when the service is ready; who replaces a running service waits for it. */
  READY_FILE: z.string().startsWith("/").optional(),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
} as const;

/** A service's own database. Apart, not a URL: a password needs no quoting. */
export const databaseEnv = {
  DB_HOST: z.string().default("127.0.0.1"),
  DB_PORT: port,
  DB_NAME: z.string().min(1),
  DB_USER: z.string().min(1),
  DB_PASSWORD: z.string().min(1),
  /** PEM file of the authority that the server is checked by; absent: loopback, without TLS. */
  DB_AUTHORITY: z.string().startsWith("/").optional(),
} as const;

type DatabaseEnv = z.output<z.ZodObject<typeof databaseEnv>>;

/** How `pg` reaches that database. @throws Error when the authority's file cannot be read */
export function databaseAccess(env: DatabaseEnv): {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  ssl?: { ca: string };
} {
  const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_AUTHORITY } = env;
  return {
    host: DB_HOST,
    port: DB_PORT,
    database: DB_NAME,
    user: DB_USER,
    password: DB_PASSWORD,
    // `pg` checks chain and name as soon as there is an authority (verify-full).
    ...(DB_AUTHORITY === undefined ? {} : { ssl: { ca: readFileSync(DB_AUTHORITY, "utf8") } }),
  };
}

/**
 * Checks the environment of a service, all faults at once. Other variables are ignored: a process
 * always has some that are not ours. systemd hands secrets over as files, each named after its
 * variable (systemd.exec(5), CREDENTIALS_DIRECTORY).
 * @throws ConfigError with a line for each variable that is missing or wrong
 */
export function readConfig<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  const parsed = schema.safeParse({ ...env, ...readCredentials(env["CREDENTIALS_DIRECTORY"]) });
  if (parsed.success) return parsed.data;
  // zod names types and allowed values, not what it found: secrets stay out of the log.
  const lines = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new ConfigError(`The environment is not usable:\n${lines.join("\n")}`);
}

function readCredentials(folder: string | undefined): Record<string, string> {
  if (folder === undefined) return {};
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}
