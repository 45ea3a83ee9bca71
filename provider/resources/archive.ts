import { basename, dirname } from "node:path";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { fetchMaven, parseMaven } from "../maven.ts";
import { type Context, define, type Of, succeeded } from "../resource.ts";
import { absolutePath, accountName } from "../schema.ts";

const inputs = {
  path: absolutePath().describe("The directory that holds the content."),
  source: z
    .string()
    .refine((source) => parseMaven(source) !== undefined, {
      error: "must be maven:GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER] with TYPE tar.gz or zip",
    })
    .describe("`maven:GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER]`; TYPE is `tar.gz` or `zip`."),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 hex digits in small letters")
    .optional()
    .describe("Of the archive; refused when different."),
  stripComponents: z
    .int()
    .min(0)
    .max(9)
    .default(1)
    .describe("Leading directories to leave out; default 1."),
  owner: accountName().optional().describe("Default: who runs the provider."),
  group: accountName().optional().describe("Default: the owner's group."),
};

type Inputs = Of<typeof inputs>;

/** Written into the directory last: says what it holds, and that it is complete. */
const marker = ".source.json";

export const archive = define({
  description: "An unpacked archive. Deleting removes the directory.",
  inputs,
  outputs: {},
  replaceOn: ["path"],

  async create(context, wanted) {
    const { path } = wanted;
    const there = await context.transport.stat(path);
    if (there !== undefined && (await markerOf(context, path)) === undefined) {
      const names = await context.transport.list(path);
      if (names?.length !== 0)
        throw new Fault(`${path} exists; move it away or choose another path.`);
    }
    await unpack(context, wanted);
    return { id: path, outputs: {} };
  },

  async read(context, id, old) {
    const found = await markerOf(context, id);
    if (found === undefined) {
      // A directory that lost its marker is not known to hold what it should.
      return old !== undefined && (await context.transport.stat(id)) !== undefined
        ? { ...old, source: "unknown" }
        : undefined;
    }
    const { source, stripComponents } = found;
    return { ...old, path: id, source, stripComponents };
  },

  async update(context, _old, wanted) {
    await unpack(context, wanted);
    return {};
  },

  async delete({ transport }, { path }) {
    await transport.removeTree(path);
    for (const suffix of ["new", "old", "copy"]) await transport.removeTree(beside(path, suffix));
  },
});

function beside(path: string, suffix: string): string {
  return `${dirname(path)}/.${basename(path)}.${suffix}`;
}

const markerSchema = z.object({ source: z.string(), stripComponents: z.int() });

async function markerOf({ transport }: Context, path: string) {
  const text = (await transport.read(`${path}/${marker}`))?.toString("utf8");
  if (text === undefined) return undefined;
  try {
    return markerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Puts the content in place in one step, unless it is there already. */
async function unpack(context: Context, wanted: Inputs): Promise<void> {
  const { transport, progress } = context;
  const { path, source, stripComponents, owner, group } = wanted;
  const found = await markerOf(context, path);
  if (found?.source !== source || found.stripComponents !== stripComponents) {
    const fetched = await fetchMaven(context, source, wanted.sha256);
    const [fresh, former, copy] = [beside(path, "new"), beside(path, "old"), beside(path, "copy")];
    await transport.removeTree(fresh);
    await transport.remove(copy);
    progress(`bringing ${basename(fetched)}`);
    const there = await transport.bring(fetched, copy, context.signal);
    progress(`unpacking ${basename(fetched)}`);
    await transport.makeDirectory(fresh, { mode: "0755" });
    await extract(context, there, source, fresh, stripComponents);
    await transport.remove(copy);
    await transport.writeAtomic(
      `${fresh}/${marker}`,
      `${JSON.stringify({ source, stripComponents })}\n`,
    );
    await own(context, fresh, owner, group);
    await transport.removeTree(former);
    if ((await transport.stat(path)) !== undefined) await transport.rename(path, former);
    await transport.rename(fresh, path);
    await transport.removeTree(former);
  } else {
    await own(context, path, owner, group);
  }
}

async function own(
  { transport, signal }: Context,
  path: string,
  owner: string | undefined,
  group: string | undefined,
): Promise<void> {
  if (owner === undefined && group === undefined) return;
  const who = `${owner ?? ""}:${group ?? ""}`;
  const result = await transport.run(["chown", "-R", "-h", "--", who, path], { signal });
  succeeded(result, `Giving ${path} to ${who}`);
}

async function extract(
  { transport, signal }: Context,
  file: string,
  source: string,
  folder: string,
  strip: number,
): Promise<void> {
  const zip = parseMaven(source)?.type === "zip";
  const argv = zip
    ? ["unzip", "-q", "-o", file, "-d", folder]
    : ["tar", "-xzf", file, "-C", folder, "--no-same-owner", `--strip-components=${strip}`];
  succeeded(await transport.run(argv, { signal }), `Unpacking ${source}`);
  for (let level = 0; zip && level < strip; level += 1) await liftUp(transport, folder);
}

/** unzip cannot leave directories out: what is in the only one takes its place. */
async function liftUp(transport: Context["transport"], folder: string): Promise<void> {
  const names = (await transport.list(folder)) ?? [];
  const [only] = names;
  if (only === undefined || names.length > 1) {
    throw new Fault(`The archive does not have one directory at its top; set stripComponents: 0.`);
  }
  const lifted = `${folder}.lifted`;
  await transport.removeTree(lifted);
  await transport.rename(`${folder}/${only}`, lifted);
  await transport.removeTree(folder);
  await transport.rename(lifted, folder);
}
