import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A direct dependency of a program, and the resource plugin it needs if it is an SDK. */
export interface Package {
  name: string;
  version: string;
  plugin?: { name: string; version: string; server: string };
}

interface Manifest {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  pulumi?: { resource?: boolean; name?: string; version?: string; server?: string };
}

function readManifest(file: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

function findManifest(directory: string, name: string): Manifest | undefined {
  const folders = createRequire(join(directory, "package.json")).resolve.paths(name) ?? [];
  for (const folder of folders) {
    const manifest = readManifest(join(folder, name, "package.json"));
    if (manifest) return manifest;
  }
  return undefined;
}

/** The installed direct dependencies of the program in `directory`. */
export function readPackages(directory: string): Package[] {
  const names = Object.keys(readManifest(join(directory, "package.json"))?.dependencies ?? {});
  return names.flatMap((name) => {
    const manifest = findManifest(directory, name);
    if (!manifest) return [];
    const version = manifest.version ?? "";
    const { resource, ...pulumi } = manifest.pulumi ?? {};
    if (resource !== true) return [{ name, version }];
    const plugin = {
      name: pulumi.name ?? name.replace(/^@pulumi\//, ""),
      version: pulumi.version ?? version,
      server: pulumi.server ?? "",
    };
    return [{ name, version, plugin }];
  });
}
