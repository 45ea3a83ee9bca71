import { spawn } from "node:child_process";

import { z } from "zod";

const properties = z.record(z.string(), z.unknown());

const stateSchema = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  inputs: properties.optional(),
  outputs: properties.optional(),
  modified: z.string().optional(),
});

const stepSchema = z.looseObject({
  op: z.string(),
  urn: z.string(),
  oldState: stateSchema.optional(),
  newState: stateSchema.optional(),
  detailedDiff: z.record(z.string(), z.unknown()).nullish(),
  diffReasons: z.array(z.string()).nullish(),
});

const previewSchema = z.looseObject({
  steps: z.array(stepSchema).default([]),
  diagnostics: z
    .array(
      z.looseObject({
        urn: z.string().optional(),
        message: z.string().default(""),
        severity: z.string().default(""),
      }),
    )
    .default([]),
});

/** A resource in a state; secrets are the text `[secret]`. */
export type ResourceState = z.output<typeof stateSchema>;
export type Step = z.output<typeof stepSchema>;
export type Preview = z.output<typeof previewSchema>;

export interface Look {
  readonly preview: Preview;
  /** Whether everything that was asked for was looked at. */
  readonly whole: boolean;
  /** What pulumi printed besides. */
  readonly said: string;
}

/**
 * What is there, and what `up` would do about it. The program is run, so that servers are asked with
 * the credentials of today and not with those of an old state.
 * @param exclude URN patterns of what is not looked at
 */
export async function look(
  folder: string,
  stack: string,
  env: NodeJS.ProcessEnv,
  exclude: readonly string[],
): Promise<Look> {
  const args = [
    ...["preview", "--stack", stack, "--refresh", "--run-program", "--json", "--non-interactive"],
    ...exclude.flatMap((pattern) => ["--exclude", pattern]),
    ...(exclude.length === 0 ? [] : ["--exclude-dependents"]),
  ];
  const { code, stdout, stderr } = await run("pulumi", args, folder, env);
  const start = stdout.indexOf("{");
  const read = start < 0 ? undefined : readPreview(stdout.slice(start));
  return {
    preview: read ?? { steps: [], diagnostics: [] },
    whole: code === 0 && read !== undefined,
    said: stderr.trim() || (read === undefined ? stdout.trim() : ""),
  };
}

/** @returns undefined when it is not a preview's JSON */
export function readPreview(text: string): Preview | undefined {
  try {
    return previewSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      resolve(status ?? 1);
    });
  });
  return { code, stdout, stderr };
}
