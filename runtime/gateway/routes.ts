import { readFileSync } from "node:fs";
import { z } from "zod";

import { origin } from "../kernel/config.ts";
import type { AccessRule } from "./access.ts";

/** First segments that are the gateway's own (contract 2.3). */
export const ownNames = [
  "login",
  "keycloak-callback",
  "logout",
  "keycloak",
  "static",
  "health",
  "api",
  "design",
  "sessions",
  "favicon.ico",
] as const;

/** Methods that are forwarded. TRACE would show a backend's answer to the token; CONNECT is for other proxies. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const prefix = z.string().startsWith("/");

const service = z.strictObject({
  /** First segment of its addresses. */
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,50}$/)
    .refine((name) => !(ownNames as readonly string[]).includes(name), "is the gateway's own"),
  /** For people, in the side panel. */
  title: z.string().min(1).max(60),
  /** On loopback, without a path. */
  url: origin.refine((url) => new URL(url).pathname === "/", "must have no path"),
  /** Whether the side panel names it. */
  visible: z.boolean().default(true),
  groups: z.array(z.string().min(1)).default([]),
  public: z.array(prefix).default([]),
  rules: z
    .array(
      z.strictObject({
        path: prefix,
        methods: z.array(z.enum(methods)).min(1).optional(),
        groups: z.array(z.string().min(1)),
      }),
    )
    .optional(),
  /** Seconds until the head of an answer is there. */
  timeout: z.number().int().min(1).max(3600).default(30),
  /** MiB of a request's body. */
  bodyLimit: z.number().int().min(0).max(1_048_576).default(1024),
  /** Whether a connection may become a WebSocket. */
  websocket: z.boolean().default(false),
  /** Whether `%2F` may stand in a path; it stays as it is, in decisions too. */
  encodedSlash: z.boolean().default(false),
  /** `local`: pages that load icons from unpkg.com get our copy. */
  assets: z.enum(["local", "remote"]).default("local"),
  /** How strict the policy of its pages is (pagePolicy.ts). */
  kind: z.enum(["own", "template", "python", "external"]).default("python"),
  /** Path that answers when it is alive; asked only after it has failed. */
  health: prefix.default("/health"),
});

const routesFile = z.strictObject({
  services: z
    .array(service)
    .refine(
      (all) => new Set(all.map(({ name }) => name)).size === all.length,
      "a name stands twice",
    ),
});

/** A service that is reached through the gateway; any other is not. */
export type Route = Readonly<z.output<typeof service>> & AccessRule;

/** Order is that of the file: of the side panel, and of the choice of a home page. */
export type Routes = ReadonlyMap<string, Route>;

/** @throws Error naming the file and every fault in it */
export function readRoutes(file: string): Routes {
  const fault = (why: string) => new Error(`${file} is not usable: ${why}`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw fault("it cannot be read or is no JSON");
  }
  const parsed = routesFile.safeParse(content);
  if (!parsed.success) throw fault(z.prettifyError(parsed.error));
  return new Map(parsed.data.services.map((entry) => [entry.name, entry]));
}
