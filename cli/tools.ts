import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { z } from "zod";

/** What the toolchain has put into the user's cache (`toolchain/prepare.ts --json`). */
const toolsSchema = z.object({
  home: z.string(),
  bin: z.string(),
  pulumi: z.object({ version: z.string(), source: z.string() }),
  plugins: z.array(z.object({ name: z.string(), version: z.string(), source: z.string() })),
});

export interface Tools {
  /** Environment that finds CLI, plugins and Node 24. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders that come first on PATH. */
  readonly folders: readonly string[];
  /** One line: which versions, from where. */
  readonly description: string;
}

/** @returns where the toolchain's script lies; undefined without a toolchain */
export function findToolchain(checkout: string): string | undefined {
  const script = join(checkout, "toolchain", "prepare.ts");
  return existsSync(script) ? script : undefined;
}

/**
 * Pulumi's CLI and plugins as they are here: the toolchain's, or the user's own without one.
 * @returns undefined when something is missing
 */
export function readTools(checkout: string): Tools | undefined {
  const script = findToolchain(checkout);
  if (script === undefined) return readOwnCli(checkout);
  const { status, stdout } = spawnSync(process.execPath, [script, "--json"], {
    cwd: checkout,
    encoding: "utf8",
  });
  if (status !== 0) return undefined;
  const { home, bin, pulumi, plugins } = toolsSchema.parse(JSON.parse(stdout));
  const parts = [{ name: "pulumi", ...pulumi }, ...plugins];
  const folders = [bin, join(checkout, "node_modules", ".bin")];
  return {
    env: {
      ...environment(folders),
      PULUMI_HOME: home,
      // Saves every plugin and program a quarter of its start (measured).
      NODE_COMPILE_CACHE: join(dirname(home), "node-compile"),
    },
    folders,
    description: parts.map((part) => `${part.name} ${part.version}: ${part.source}`).join(" · "),
  };
}

function readOwnCli(checkout: string): Tools | undefined {
  const folders = [join(checkout, "node_modules", ".bin")];
  const env = environment(folders);
  const { status, stdout } = spawnSync("pulumi", ["version"], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) return undefined;
  return { env, folders, description: `pulumi ${stdout.trim().replace(/^v/, "")}: your own` };
}

function environment(first: readonly string[]): Record<string, string> {
  const rest = (process.env["PATH"] ?? "").split(delimiter).filter((path) => !first.includes(path));
  return { PATH: [...first, ...rest].join(delimiter), PULUMI_SKIP_UPDATE_CHECK: "true" };
}
