import { z } from "zod";

import type { App } from "./registry.ts";

/** Seconds, as text between bounds. */
function seconds(least: number, most: number, standard: number, what: string) {
  return z.coerce
    .number()
    .int()
    .min(least)
    .max(most)
    .default(standard)
    .describe(`${what} Seconds, ${String(least)} to ${String(most)}; default ${String(standard)}.`);
}

function jsonObject<S extends z.ZodType>(values: S) {
  return z
    .string()
    .default("{}")
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "must be a map" });
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), values));
}

/** Keys under `hivematrix:` that core's rules come from; runtime/core/config.ts has the same bounds. */
export const tokenSettings = {
  userTokenLifetime: seconds(600, 3600, 3600, "How long a person's token is valid."),
  serviceTokenLifetime: seconds(60, 300, 300, "How long a service's token is valid."),
  sessionLifetime: seconds(60, 604_800, 36_000, "How long a session lasts whatever happens."),
  sessionIdle: seconds(60, 604_800, 7200, "How long a session goes on unused."),
  serviceTokensPerMinute: z.coerce
    .number()
    .int()
    .min(10)
    .max(10_000_000)
    .default(1200)
    .describe("Tokens that one service may get in a minute."),
  minting: z
    .enum(["allowed", "forbidden"])
    .default("allowed")
    .describe("Whether `hive token` and `hive curl` may make tokens by hand."),
  callerKeys: jsonObject(z.looseObject({ kty: z.enum(["RSA", "EC", "OKP"]) }))
    .refine((keys) => Object.values(keys).every((key) => !("d" in key)), "has a private key")
    .describe("Public keys (JWK) of services that prove themselves by a signed assertion."),
  callerUsers: jsonObject(z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/))
    .refine(
      (users) => new Set(Object.values(users)).size === Object.keys(users).length,
      "one user stands for two services",
    )
    .refine((users) => !Object.values(users).includes("root"), "root is nobody's own user")
    .describe("System users of services that send no proof; each service has one of its own."),
  unprovenCallers: z
    .enum(["refused", "believed"])
    .default("refused")
    .describe("Compatibility switch: `believed` takes a service's word for who it is."),
};

type TokenSettings = z.output<z.ZodObject<typeof tokenSettings>>;

/** What core is told about tokens, sessions and who may call whom. */
export interface TokenRules extends TokenSettings {
  /** Whom each service may call. */
  readonly calls: Readonly<Record<string, readonly string[]>>;
  /** Services whose tokens name them in `aud`. */
  readonly audiences: readonly string[];
}

/**
 * Rules of the services that run. Who says nothing may call what it depends on; everybody may call
 * the logger, and the gateway everybody.
 */
export function tokenRulesOf(
  apps: Readonly<Record<string, App>>,
  given: TokenSettings,
): TokenRules {
  const names = Object.keys(apps);
  const loggers = names.filter((name) => apps[name]?.source.runtime === "logger");
  const calls = Object.entries(apps).map(([name, { source, calls: own, dependencies }]) => {
    const called = source.runtime === "gateway" ? names : [...(own ?? dependencies), ...loggers];
    const others = new Set(called.filter((other) => other !== name && names.includes(other)));
    return [name, [...others].toSorted()] as const;
  });
  const audiences = names.filter((name) => apps[name]?.audience === true);
  const own = Object.fromEntries(
    Object.keys(tokenSettings).map((key) => [key, given[key as keyof typeof given]]),
  ) as TokenSettings;
  return { ...own, calls: Object.fromEntries(calls), audiences };
}
