import { z } from "zod";

import type { Context } from "../resource.ts";
import type { Transport } from "../transport/transport.ts";

const manifestSchema = z.strictObject({
  /** ISO 8601; the order of the versions. */
  installed: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      /** Below the version's folder. */
      path: z.string(),
      /** Bytes. */
      size: z.int(),
      mode: z.string(),
      /** Hex; absent for a large file. */
      sha256: z.string().optional(),
    }),
  ),
});

export type Manifest = z.output<typeof manifestSchema>;
export type ReleaseFile = Manifest["files"][number];

/** Written last: says what the folder holds, and that it is complete. */
export const manifestName = ".release.json";

/** Undefined when the folder is not a complete version. */
export async function manifestOf(
  transport: Transport,
  directory: string,
): Promise<Manifest | undefined> {
  const text = (await transport.read(`${directory}/${manifestName}`))?.toString("utf8");
  if (text === undefined) return undefined;
  try {
    return manifestSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether every file of the folder's manifest is there as it was put there. */
export async function isIntact(
  { transport, signal }: Context,
  directory: string,
  owner: string | undefined,
): Promise<boolean> {
  const manifest = await manifestOf(transport, directory);
  if (manifest === undefined) return false;
  const { files } = manifest;
  const [entries, sums] = await Promise.all([
    Promise.all(files.map(({ path }) => transport.stat(`${directory}/${path}`))),
    sumsMatch({ transport, signal }, directory, files),
  ]);
  const fits = files.every(({ size, mode }, index) => {
    const entry = entries[index];
    if (entry?.type !== "file" || entry.size !== size || entry.mode !== mode) return false;
    return owner === undefined || entry.owner === owner;
  });
  return fits && sums;
}

async function sumsMatch(
  { transport, signal }: Pick<Context, "transport" | "signal">,
  directory: string,
  files: readonly ReleaseFile[],
): Promise<boolean> {
  const hashed = files.filter(({ sha256 }) => sha256 !== undefined);
  if (hashed.length === 0) return true;
  // On the host itself: no content is carried about.
  const list = hashed.map(({ path, sha256 }) => `${String(sha256)}  ${path}\n`).join("");
  const { code } = await transport.run(["sha256sum", "--check", "--status", "--strict"], {
    cwd: directory,
    stdin: list,
    signal,
  });
  return code === 0;
}
