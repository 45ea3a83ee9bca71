import type { PoolConfig } from "pg";
import { z } from "zod";

import {
  databaseAccess,
  databaseEnv,
  json,
  origin,
  readConfig,
  serverEnv,
} from "../kernel/config.ts";

const name = z.string().regex(/^[a-z0-9_-]{1,50}$/);

/** JSON text of `{name: secret}`. */
const secrets = json.pipe(z.record(name, z.string().min(32)));

/** JSON text of `{caller: [target]}`. */
const calls = json.pipe(z.record(name, z.array(name)));

/** JSON text of `{caller: public key}` (RFC 7517). */
const publicKeys = json
  .pipe(z.record(name, z.looseObject({ kty: z.enum(["RSA", "EC", "OKP"]) })))
  .refine((keys) => Object.values(keys).every((key) => !("d" in key)), "has a private key");

/** JSON text of `{caller: system user}`; one user is one caller. */
const users = json
  .pipe(z.record(name, z.string().min(1)))
  .refine((map) => new Set(Object.values(map)).size === Object.keys(map).length, {
    message: "has a user for two callers",
  });

/** JSON text of `[target]`. */
const names = json.pipe(z.array(name));

/** Environment of core. */
export const coreEnv = z
  .object({
    ...serverEnv,
    ...databaseEnv,
    /** Keycloak on loopback, without a path; nothing here goes through the public address. */
    KEYCLOAK_URL: origin,
    KEYCLOAK_REALM: z.string().min(1),
    /** `iss` of the realm's tokens: its public address. */
    KEYCLOAK_ISSUER: origin,
    KEYCLOAK_CLIENT_ID: z.string().min(1),
    KEYCLOAK_CLIENT_SECRET: z.string().min(1),
    /** Keeps signing keys and Keycloak's refresh tokens unreadable in the database; at least 32 characters. */
    ENCRYPTION_KEY: z.string().min(32),
    /** Name of the one caller that may use the session API. */
    GATEWAY_NAME: z.string().min(1),
    /** The secret each service proves itself with, also of those that are no callers yet. */
    CALLER_SECRETS: secrets,
    /** Keys of callers that prove themselves by an assertion they have signed. */
    CALLER_KEYS: publicKeys.default({}),
    /** System users of callers that send no proof: the owner of the connection tells who asks. */
    CALLER_USERS: users.default({}),
    /** Compatibility switch: `believed` takes a caller's word, except the gateway's. */
    UNPROVEN_CALLERS: z.enum(["refused", "believed"]).default("refused"),
    /** Whether tokens may be made by hand; `hive` reads it. */
    MINTING: z.enum(["allowed", "forbidden"]).default("allowed"),
    /** Who may get a service's token for whom; absent: every service for every other. */
    CALLS: calls.optional(),
    /** Services whose tokens name them in `aud`; unmodified ones refuse every token that has it. */
    AUDIENCE_SERVICES: names.default([]),
    /** Service's tokens that one caller may get in a minute. */
    SERVICE_TOKENS_PER_MINUTE: z.coerce.number().int().min(10).max(10_000_000).default(1200),
    /** The logger; absent: access lines go nowhere. */
    LOGGER_URL: origin.optional(),
    LOGGER_NAME: z.string().default("helm"),
    /** Seconds; how long a user's token is valid. */
    USER_TOKEN_LIFETIME: z.coerce.number().int().min(600).max(3600).default(3600),
    /** Seconds; how long a service's token is valid. */
    SERVICE_TOKEN_LIFETIME: z.coerce.number().int().min(60).max(300).default(300),
    /** Seconds; how long a session lasts whatever happens. */
    SESSION_LIFETIME: z.coerce.number().int().min(60).max(604_800).default(36_000),
    /** Seconds; how long a browser's session goes on unused. */
    SESSION_IDLE: z.coerce.number().int().min(60).max(604_800).default(7200),
    /** Seconds; how old what Keycloak said of a user may be. */
    REFRESH_AFTER: z.coerce.number().int().min(1).max(300).default(30),
  })
  .refine(({ GATEWAY_NAME, CALLER_SECRETS }) => Object.hasOwn(CALLER_SECRETS, GATEWAY_NAME), {
    path: ["GATEWAY_NAME"],
    message: "is none of CALLER_SECRETS",
  })
  .refine(({ GATEWAY_NAME, CALLER_USERS }) => !Object.hasOwn(CALLER_USERS, GATEWAY_NAME), {
    path: ["CALLER_USERS"],
    // Whoever asks through the gateway would be taken for it.
    message: "has the gateway, which proves itself by its secret",
  });

/** What the program must set; `tsc` fails where it does not. */
export type CoreEnv = z.input<typeof coreEnv>;
export type CoreConfig = z.output<typeof coreEnv>;

export function readCoreConfig(env: Readonly<Record<string, string | undefined>>): CoreConfig {
  return readConfig(coreEnv, env);
}

/** Core's connections to its database; a query that hangs gives up. */
export function poolOptions(config: CoreConfig): PoolConfig {
  return {
    ...databaseAccess(config),
    application_name: "core",
    max: 10,
    connectionTimeoutMillis: 5000,
    statement_timeout: 10_000,
  };
}
