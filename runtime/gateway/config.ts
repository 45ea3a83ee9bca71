import { z } from "zod";

import { origin, port, readConfig, serverEnv } from "../kernel/config.ts";

const path = z.string().startsWith("/");
const positive = z.coerce.number().int().min(1);

/** Environment of the gateway. */
export const gatewayEnv = z.object({
  ...serverEnv,
  /** Addresses to listen on, with commas between. */
  HOSTS: z
    .string()
    .default("127.0.0.1,::1")
    .transform((list) => list.split(",")),
  /** Where people enter: scheme, name and port, no path. Requests for another name are sent there. */
  PUBLIC_ORIGIN: origin,
  /** PEM: the chain that is presented, and its key. */
  TLS_CERTIFICATE_FILE: path,
  TLS_KEY_FILE: path,
  /** The same for who asks for localhost: the platform's own checks. Default: those above. */
  TLS_LOCAL_CERTIFICATE_FILE: path.optional(),
  TLS_LOCAL_KEY_FILE: path.optional(),
  /** JSON, see routes.ts: which services there are and who may use them. */
  ROUTES_FILE: path,
  CORE_URL: origin,
  /** How the gateway proves itself to core. */
  SERVICE_NAME: z.string().default("nexus"),
  SERVICE_SECRET: z.string().min(32),
  LOGGER_URL: origin,
  LOGGER_NAME: z.string().default("helm"),
  /** Keycloak on loopback, without a path. */
  KEYCLOAK_URL: origin,
  KEYCLOAK_REALM: z.string().min(1),
  KEYCLOAK_CLIENT_ID: z.string().min(1),
  KEYCLOAK_CLIENT_SECRET: z.string().min(1),
  /** Requests a minute of one user, and of one address (an office has one). */
  REQUESTS_PER_USER: positive.default(1200),
  REQUESTS_PER_ADDRESS: positive.default(6000),
  /** Attempts to sign in of one address, a minute. */
  SIGN_INS_PER_ADDRESS: positive.default(60),
  /** Connections of one address at a time. */
  CONNECTIONS_PER_ADDRESS: positive.default(256),
  /** TCP port on 127.0.0.1 that tells Prometheus what was counted; absent: none. */
  METRICS_PORT: port.optional(),
  /** TCP port on HOSTS that sends people from http to PUBLIC_ORIGIN; absent: none. */
  REDIRECT_PORT: port.optional(),
  /** Read by the C library: one heap for all threads, else the process keeps twice what it needs (mallopt(3)). */
  MALLOC_ARENA_MAX: z.string().optional(),
  /** Seals the cookie of a sign-in that is under way; at least 32 characters. */
  COOKIE_KEY: z.string().min(32),
});

/** What the program must set; `tsc` fails where it does not. */
export type GatewayEnv = z.input<typeof gatewayEnv>;
export type GatewayConfig = z.output<typeof gatewayEnv>;

export function readGatewayConfig(
  env: Readonly<Record<string, string | undefined>>,
): GatewayConfig {
  return readConfig(gatewayEnv, env);
}
