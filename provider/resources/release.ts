import { dirname } from "node:path";
import { z } from "zod";

import { isIntact, manifestName } from "../release/manifest.ts";
import { filesOfSource } from "../release/source.ts";
import { prune, refuseForeign, versionsIn } from "../release/versions.ts";
import { type Context, define, type Of, succeeded } from "../resource.ts";
import { absolutePath, accountName } from "../schema.ts";
import { UNKNOWN } from "../wire.ts";

const inputs = {
  path: absolutePath().describe("The folder that holds the versions, ours alone."),
  source: absolutePath().describe(
    "A file or folder on the machine that runs Pulumi. Another place with the same version is no change.",
  ),
  version: z
    .string()
    .regex(
      /^(?!\.)[A-Za-z0-9._-]{1,64}$/,
      "must be at most 64 letters, digits, ., _ and -, with no . at its start",
    )
    .describe("Names the content, e.g. its hash."),
  owner: accountName().optional().describe("Default: who runs the provider."),
  group: accountName().optional().describe("Default: the owner's group."),
};

type Inputs = Of<typeof inputs>;

export const release = define({
  description:
    "A program of ours, put on the host whole or not at all; three versions stay. Deleting removes all. Import by path: the newest version.",
  inputs,
  outputs: {
    directory: z.string().describe("`<path>/<version>`."),
    intact: z.boolean().describe("Whether every file was as it should be when last looked at."),
  },
  replaceOn: ["path"],
  incidental: ["source"],

  plan: ({ path, version }) => ({
    directory:
      typeof path === "string" && typeof version === "string" ? `${path}/${version}` : UNKNOWN,
    intact: true,
  }),
  stale: (old) => (old.intact ? [] : ["intact"]),

  async create(context, wanted) {
    await refuseForeign(context.transport, wanted.path);
    await install(context, wanted);
    await prune(context, wanted.path, wanted.version, undefined);
    return { id: wanted.path, outputs: outputsOf(wanted) };
  },

  async read(context, id, old) {
    const there = old ?? (await imported(context, id));
    if (there === undefined) return undefined;
    // Both at once: one round trip less.
    const [entry, intact] = await Promise.all([
      context.transport.stat(id),
      isIntact(context, directoryOf(there), there.owner),
    ]);
    return entry === undefined ? undefined : { ...there, intact };
  },

  async update(context, old, wanted) {
    await install(context, wanted);
    await prune(context, wanted.path, wanted.version, old.version);
    return outputsOf(wanted);
  },

  async delete({ transport }, { path }) {
    await transport.removeTree(path);
  },
});

/** The newest version; where it came from, nobody on the host knows. */
async function imported({ transport }: Context, path: string) {
  const [version] = await versionsIn(transport, path);
  if (version === undefined) return undefined;
  const owner = (await transport.stat(path))?.owner;
  const wanted = {
    path,
    version,
    source: path,
    ...(owner === undefined || owner === transport.user ? {} : { owner }),
  };
  return { ...wanted, ...outputsOf(wanted) };
}

function directoryOf({ path, version }: Inputs): string {
  return `${path}/${version}`;
}

function outputsOf(wanted: Inputs) {
  return { directory: directoryOf(wanted), intact: true };
}

/** Puts the version in place in one step, unless it is there already. */
async function install(context: Context, wanted: Inputs): Promise<void> {
  const { transport, progress } = context;
  const { path, version, owner, group } = wanted;
  await transport.makeDirectory(path, { mode: "0755", owner, group });
  const directory = directoryOf(wanted);
  if (await isIntact(context, directory, undefined)) {
    await own(context, wanted);
    return;
  }
  progress(`copying ${wanted.source}`);
  const [fresh, former] = [`${path}/.${version}.new`, `${path}/.${version}.old`];
  await transport.removeTree(fresh);
  await copy(context, wanted, fresh);
  await transport.removeTree(former);
  if ((await transport.stat(directory)) !== undefined) await transport.rename(directory, former);
  await transport.rename(fresh, directory);
  await transport.removeTree(former);
}

async function copy(context: Context, { source, owner, group }: Inputs, to: string): Promise<void> {
  const { transport, signal } = context;
  const files = await filesOfSource(source);
  const folder = { mode: "0755", owner, group };
  await transport.makeDirectory(to, folder);
  const made = new Set(["."]);
  for (const { from, path, mode } of files) {
    await makeParents(transport, to, dirname(path), folder, made);
    await transport.upload(from, `${to}/${path}`, { mode, owner, group }, signal);
  }
  const listed = files.map(({ path, size, mode, sha256 }) => ({ path, size, mode, sha256 }));
  const manifest = { installed: new Date().toISOString(), files: listed };
  await transport.writeAtomic(`${to}/${manifestName}`, `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: "0644",
    owner,
    group,
  });
}

async function makeParents(
  transport: Context["transport"],
  root: string,
  below: string,
  ownership: { readonly mode: string; readonly owner?: string | undefined },
  made: Set<string>,
): Promise<void> {
  if (made.has(below)) return;
  await makeParents(transport, root, dirname(below), ownership, made);
  await transport.makeDirectory(`${root}/${below}`, ownership);
  made.add(below);
}

/** The owner may have changed since, here or on the host. */
async function own({ transport, signal }: Context, wanted: Inputs): Promise<void> {
  const { owner, group } = wanted;
  if (owner === undefined && group === undefined) return;
  const who = `${owner ?? ""}:${group ?? ""}`;
  const directory = directoryOf(wanted);
  const result = await transport.run(["chown", "-R", "-h", "--", who, directory], { signal });
  succeeded(result, `Giving ${directory} to ${who}`);
}
