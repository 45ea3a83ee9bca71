import { createHash } from "node:crypto";
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { Fault } from "../fault.ts";
import { absentAsUndefined } from "../transport/explain.ts";
import type { ReleaseFile } from "./manifest.ts";

/** The largest file that is compared by its hash and not by its size alone; bytes. */
const largestHashed = 16 * 1024 * 1024;

/** A file on the machine that runs Pulumi. */
export interface SourceFile extends ReleaseFile {
  /** Absolute. */
  readonly from: string;
}

/** The files of a source, by path; that of a single file is its name. @throws Fault when it is missing */
export async function filesOfSource(source: string): Promise<SourceFile[]> {
  const found = await absentAsUndefined(stat(source), source);
  if (found === undefined) {
    throw new Fault(
      `${source} is missing on the machine that runs Pulumi; build it, then run the same command again.`,
    );
  }
  const names = found.isDirectory() ? await namesIn(source, "") : [basename(source)];
  const files: SourceFile[] = [];
  for (const path of names.sort()) {
    files.push(await describe(found.isDirectory() ? join(source, path) : source, path));
  }
  return files;
}

/** Paths below the folder. */
async function namesIn(root: string, below: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await readdir(join(root, below))) {
    const path = join(below, name);
    const entry = await lstat(join(root, path));
    if (entry.isDirectory()) paths.push(...(await namesIn(root, path)));
    else if (entry.isFile() && !/[\n\\]/.test(name)) paths.push(path);
    else
      throw new Fault(`${join(root, path)} cannot be released: only plain files and folders can.`);
  }
  return paths;
}

async function describe(from: string, path: string): Promise<SourceFile> {
  const { size, mode } = await stat(from);
  const hashed = size <= largestHashed;
  return {
    from,
    path,
    size,
    mode: (mode & 0o111) === 0 ? "0644" : "0755",
    ...(hashed
      ? {
          sha256: createHash("sha256")
            .update(await readFile(from))
            .digest("hex"),
        }
      : {}),
  };
}
