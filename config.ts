import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { type Ports, ports as trialPorts } from "./ports.js";
import { readRegistry, type Registry } from "./registry.ts";

/** Keys of Pulumi.<stack>.yaml under `hivematrix:`. Numbers and booleans arrive as text. */
const settingsSchema = z.strictObject({
  portBase: z.coerce
    .number()
    .int()
    .min(1024)
    .max(65530)
    .optional()
    .describe("First of six ports in a row. Default: the documented ports."),
  registry: z.string().default("apps_registry.json").describe("Path of the registry file."),
  adminUsername: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "1 to 64 of a-z, 0-9, dot, _ and -")
    .default("admin")
    .describe("The first administrator."),
  adminEmail: z.email().default("admin@hivematrix.local"),
  keepData: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .describe("`down` leaves the databases on the disk."),
});

/** What `npm run up` found out about this machine before the first up; lies in .hive/<stack>.json. */
const trialSchema = z.looseObject({
  portBase: z.int().min(1024).max(65530).optional(),
  root: z.string().startsWith("/").optional(),
  user: z.string().min(1).optional(),
});

export interface Config {
  readonly stack: string;
  readonly ports: Ports;
  /** Folder of everything the trial puts on this machine. */
  readonly root: string;
  /** System user that owns the processes; absent: whoever runs `up`. */
  readonly user: string | undefined;
  readonly registry: Registry;
  /** Databases the registry asks for. */
  readonly databases: readonly string[];
  readonly adminUsername: string;
  readonly adminEmail: string;
  readonly keepData: boolean;
}

/** What config.ts needs to know of the engine; given by tests instead. */
export interface Source {
  readonly stack: string;
  readonly directory: string;
  /** Every config key with its namespace. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Reads stack config, registry and the trial's record; reports every fault at once.
 * @throws pulumi.RunError, which the engine prints without a stack.
 */
export function loadConfig(source: Source = engine()): Config {
  const faults: string[] = [];
  const settings = settingsSchema.safeParse(ownKeys(source.values));
  if (!settings.success) {
    faults.push(
      `Pulumi.${source.stack}.yaml, under hivematrix:\n${z.prettifyError(settings.error)}`,
    );
  }
  const trial = attempt(faults, () => readTrial(source));
  const path = resolve(source.directory, settings.data?.registry ?? "apps_registry.json");
  const registry = attempt(faults, () => readRegistry(path));
  if (!settings.success || trial === undefined || registry === undefined) {
    throw new pulumi.RunError(faults.join("\n"));
  }
  const { data } = settings;
  return {
    stack: source.stack,
    ports: trialPorts(data.portBase ?? trial.portBase),
    root: trial.root ?? join(source.directory, ".hive", source.stack),
    user: trial.user,
    registry,
    databases: Object.values(registry.apps).flatMap(({ database }) => database ?? []),
    adminUsername: data.adminUsername,
    adminEmail: data.adminEmail,
    keepData: data.keepData,
  };
}

function engine(): Source {
  return {
    stack: pulumi.getStack(),
    directory: process.cwd(),
    values: pulumi.runtime.allConfig(),
  };
}

function ownKeys(values: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = "hivematrix:";
  return Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function readTrial({ directory, stack }: Source): z.infer<typeof trialSchema> {
  const path = join(directory, ".hive", `${stack}.json`);
  if (!existsSync(path)) return {};
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Error(`${path} is not JSON; remove it and run \`npm run up\` again`, { cause });
  }
  const parsed = trialSchema.safeParse(json);
  if (!parsed.success) throw new Error(`${path}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (fault) {
    faults.push(fault instanceof Error ? fault.message : String(fault));
    return undefined;
  }
}
