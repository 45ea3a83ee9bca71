import { Fault } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { Transport } from "../transport/transport.ts";
import { manifestOf } from "./manifest.ts";

/** How many stay, the wanted and the former one among them. */
const kept = 3;

/** What an interrupted up leaves beside the versions. */
const leftover = /^\..*\.(new|old)$/;

/** Complete versions in the folder, newest first. */
export async function versionsIn(transport: Transport, path: string): Promise<string[]> {
  const names = (await transport.list(path)) ?? [];
  const found = await Promise.all(
    names
      .filter((name) => !name.startsWith("."))
      .map(async (name) => ({ name, manifest: await manifestOf(transport, `${path}/${name}`) })),
  );
  return found
    .flatMap(({ name, manifest }) => (manifest ? [{ name, installed: manifest.installed }] : []))
    .sort((a, b) => (a.installed < b.installed ? 1 : -1))
    .map(({ name }) => name);
}

/** Since delete removes the whole folder: @throws Fault when something else lies in it. */
export async function refuseForeign(transport: Transport, path: string): Promise<void> {
  const entry = await transport.stat(path);
  if (entry === undefined) return;
  const names = ((await transport.list(path)) ?? []).filter((name) => !leftover.test(name));
  const ours = await versionsIn(transport, path);
  if (entry.type !== "directory" || names.some((name) => !ours.includes(name))) {
    throw new Fault(`${path} holds something else; move it away or choose another path.`);
  }
}

/**
 * Removes what interrupted ups left, and all but the newest versions. One that a process was started
 * from stays: after a failed update the service still runs it, and may be restarted.
 */
export async function prune(
  context: Context,
  path: string,
  wanted: string,
  former: string | undefined,
): Promise<void> {
  const { transport } = context;
  for (const name of (await transport.list(path)) ?? []) {
    if (leftover.test(name)) await transport.removeTree(`${path}/${name}`);
  }
  const versions = await versionsIn(transport, path);
  const needed = versions.filter((name) => name === wanted || name === former);
  const others = versions.filter((name) => !needed.includes(name));
  for (const name of others.slice(kept - needed.length)) {
    const directory = `${path}/${name}`;
    if (!(await isInUse(context, directory))) await transport.removeTree(directory);
  }
}

/** Whether a process has a path below the folder among its arguments. */
async function isInUse({ transport, signal }: Context, directory: string): Promise<boolean> {
  // By standard input: the search would find its own arguments.
  const look = "grep -qsaF -f - /proc/[0-9]*/cmdline";
  const { code } = await transport.run(["sh", "-c", look], { stdin: `${directory}/`, signal });
  return code === 0;
}
