import { readFileSync } from "node:fs";

import { z } from "zod";

/** Names on the wire: lower case, digits, `_` and `-`, at most 50 (contract, service tokens). */
const appName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,49}$/, "a name is 1 to 50 of a-z, 0-9, _ and -, a letter first");

/** Databases and roles that exist without the registry. */
const taken = ["keycloak", "postgres", "public", "template0", "template1"];

/** Groups of the realm, who may do most first (contract 1.4). */
export const groups = ["admins", "technicians", "billing", "client"] as const;

/** Below a service. */
const routePath = z
  .string()
  .regex(/^\/[A-Za-z0-9_.~/-]*$/, "a path starts with / and needs no encoding");

/** What a service is, the same for every stack. What is true on one host lies in Pulumi.<stack>.yaml. */
const app = z.strictObject({
  description: z
    .string()
    .min(1)
    .describe("One sentence for people; shown by hive and the console."),
  source: z
    .strictObject({
      runtime: z
        .enum(["gateway", "core", "logger"])
        .optional()
        .describe("A folder of this project's runtime/."),
      directory: z
        .string()
        .min(1)
        .optional()
        .describe("A service of any language that is on the host already: the folder of its code."),
      command: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe("Program and arguments, started in `directory`; stays in the foreground."),
    })
    .refine(
      ({ runtime, directory, command }) =>
        runtime === undefined
          ? directory !== undefined && command !== undefined
          : directory === undefined && command === undefined,
      "needs either runtime, or directory and command",
    )
    .describe("Where its code is: `runtime`, or `directory` and `command`."),
  port: z
    .union([z.enum(["gateway", "core", "logger"]), z.int().min(1024).max(65535)])
    .describe("TCP port on loopback, or the name of one of the platform's own ports."),
  required: z.boolean().default(false).describe("Deployed whether the stack names it or not."),
  dependencies: z.array(appName).default([]).describe("Apps that must be ready before it starts."),
  database: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, "a database is 1 to 40 of a-z, 0-9 and _, a letter first")
    .refine(
      (name) => !taken.includes(name) && !/^pg_|_(owner|second)$/.test(name),
      `a database is none of ${taken.join(", ")}, and neither pg_… nor …_owner nor …_second`,
    )
    .optional()
    .describe("Its own PostgreSQL database; a role of the same name owns what is in it."),
  gateway: z
    .strictObject({
      groups: z
        .array(z.enum(groups))
        .min(1)
        .default([...groups])
        .describe("Members of any of these may use it. Default: every group."),
      visible: z.boolean().default(true).describe("Shown in the side panel of who may use it."),
      public: z
        .array(routePath)
        .default([])
        .describe("Paths, with everything below them, that need no sign-in. Default: none."),
      rules: z
        .array(
          z.strictObject({
            path: routePath.describe("The path and everything below it; the longest one counts."),
            methods: z
              .array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
              .min(1)
              .optional()
              .describe("Only for these; GET is HEAD as well. Default: every method."),
            groups: z
              .array(z.enum(groups))
              .describe("Who may, in place of the service's groups. Empty: nobody."),
          }),
        )
        .optional()
        .describe("Other groups for some paths and methods. Default: none."),
      timeout: z
        .int()
        .min(1)
        .max(3600)
        .optional()
        .describe("Seconds until an answer begins. Default: 30."),
      bodyLimit: z
        .int()
        .min(0)
        .max(1_048_576)
        .optional()
        .describe("MiB of a request's body. Default: 1024."),
      websocket: z.boolean().optional().describe("Whether it has WebSockets. Default: no."),
      encodedSlash: z
        .boolean()
        .optional()
        .describe("Whether %2F may stand in its paths. Default: no."),
      assets: z
        .enum(["local", "remote"])
        .optional()
        .describe(
          "local: pages get icons (Lucide) from the gateway, not from unpkg.com. Default: local.",
        ),
      kind: z
        .enum(["own", "template", "python", "external"])
        .optional()
        .describe(
          "How strict the policy of its pages is: own and template ones load nothing from elsewhere. Default: own for `runtime`, else python.",
        ),
    })
    .optional()
    .describe("How people reach it: below /<name>/. Absent: not at all through the gateway."),
  calls: z
    .array(appName)
    .optional()
    .describe(
      "Apps it may get a token for, besides the logger. Default: its dependencies; the gateway may call every app.",
    ),
  audience: z
    .boolean()
    .default(false)
    .describe(
      "Tokens for it name it in `aud`. Only for services that check it: others refuse every token that has one.",
    ),
  health: z
    .string()
    .startsWith("/")
    .default("/health")
    .describe("Path that answers 200 when ready."),
  egress: z
    .union(
      [
        z.array(z.union([z.cidrv4(), z.cidrv6()])),
        z.strictObject({ any: z.string().min(1).describe("Why it has to; shown by hive audit.") }),
      ],
      { error: 'is a list of networks such as "192.0.2.0/24", or { "any": "<why it has to>" }' },
    )
    .default([])
    .describe(
      "Networks it may talk with besides its own machine, or any, with the reason. On systemd, which does not tell directions apart, also who may reach it. Default: none.",
    ),
});

/** The schema of apps_registry.json. Published as apps_registry.schema.json for editors. */
export const registrySchema = z
  .strictObject({
    $schema: z.string().optional(),
    apps: z.record(appName, app),
  })
  .check((context) => {
    const { apps } = context.value;
    const databases = new Map<string, string>();
    for (const [name, { dependencies, calls, database }] of Object.entries(apps)) {
      if (name === "keycloak") {
        context.issues.push({
          code: "custom",
          input: name,
          path: ["apps", name],
          message: "the name belongs to Keycloak itself, which services.json lists beside the apps",
        });
      }
      for (const [index, dependency] of dependencies.entries()) {
        if (Object.hasOwn(apps, dependency) && dependency !== name) continue;
        context.issues.push({
          code: "custom",
          input: dependency,
          path: ["apps", name, "dependencies", index],
          message: `unknown app "${dependency}"; the registry has ${Object.keys(apps).join(", ")}`,
        });
      }
      for (const [index, called] of (calls ?? []).entries()) {
        if (Object.hasOwn(apps, called) && called !== name) continue;
        context.issues.push({
          code: "custom",
          input: called,
          path: ["apps", name, "calls", index],
          message: `unknown app "${called}"; the registry has ${Object.keys(apps).join(", ")}`,
        });
      }
      const owner = database === undefined ? undefined : databases.get(database);
      if (owner !== undefined) {
        context.issues.push({
          code: "custom",
          input: database,
          path: ["apps", name, "database"],
          message: `database "${String(database)}" belongs to ${owner}; every app has its own`,
        });
      }
      if (database !== undefined) databases.set(database, name);
    }
  });

export type Registry = z.infer<typeof registrySchema>;
export type App = Registry["apps"][string];

/**
 * Reads and checks apps_registry.json, all faults at once.
 * @throws Error with one line a fault, each naming its place in the file.
 */
export function readRegistry(path: string): Registry {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} cannot be read as JSON: ${reason}`, { cause });
  }
  const parsed = registrySchema.safeParse(json);
  if (!parsed.success) throw new Error(`${path}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The text of apps_registry.schema.json (JSON Schema 2020-12). */
export function registryJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(registrySchema, { io: "input" }), null, 2)}\n`;
}
