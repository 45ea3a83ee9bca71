import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});

const deploymentSchema = z.looseObject({
  resources: z.array(resourceSchema).optional(),
  pending_operations: z
    .array(z.looseObject({ type: z.string(), resource: resourceSchema }))
    .optional(),
});

export type Resource = z.infer<typeof resourceSchema>;

/** What a stack's state says, with secrets still encrypted. */
export interface Checkpoint {
  readonly resources: readonly Resource[];
  /** Operations that were cut off half-way; `type` is what they were doing, e.g. `creating`. */
  readonly pending: readonly { readonly type: string; readonly resource: Resource }[];
}

/**
 * Reads a stack of the trial's file backend without starting Pulumi.
 * @returns undefined when there is no such stack
 */
export function readCheckpoint(path: string): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const file = JSON.parse(readFileSync(path, "utf8")) as {
    checkpoint?: { latest?: unknown };
  };
  return parseDeployment(file.checkpoint?.latest ?? {});
}

/** @param deployment as in a checkpoint's `latest` or an export's `deployment` */
export function parseDeployment(deployment: unknown): Checkpoint {
  const { resources = [], pending_operations: pending = [] } = deploymentSchema.parse(deployment);
  return { resources, pending };
}

/** Debian packages that the stack's `Package` resources installed: what `down` leaves. */
export function installedPackages({ resources }: Checkpoint): string[] {
  const names = resources
    .filter(({ type }) => type === "host:index:Package")
    .flatMap(({ inputs, outputs }) => {
      const found = new Set(listOf(outputs?.["found"]));
      return listOf(inputs?.["names"]).filter((name) => !found.has(name));
    });
  return [...new Set(names)].sort();
}

/** Databases of the stack, by what their component is named after. */
export function madeDatabases({ resources }: Checkpoint): Record<string, string> {
  const suffix = "-db-database";
  return Object.fromEntries(
    resources
      .filter(({ type }) => type === "postgresql:index/database:Database")
      .flatMap(({ urn, inputs }): [string, string][] => {
        const name = urn.split("::").at(-1) ?? "";
        const database = inputs?.["name"];
        if (!name.endsWith(suffix) || typeof database !== "string") return [];
        return [[name.slice(0, -suffix.length), database]];
      }),
  );
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
