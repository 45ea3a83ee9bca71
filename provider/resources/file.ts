import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { define } from "../resource.ts";
import { absolutePath, accountName, argumentVector, octalMode } from "../schema.ts";
import type { Transport } from "../transport/transport.ts";
import { UNKNOWN } from "../wire.ts";

/** The most that is kept of a file that was there before; bytes. */
const largestFound = 1024 * 1024;

/** A file that was there before us, as delete gives it back. */
const foundSchema = z.strictObject({
  /** Base64: it need not be text. */
  content: z.string(),
  mode: z.string(),
  owner: z.string(),
  group: z.string(),
});

export const file = define({
  description:
    "A file, written atomically. Deleting gives back what was found, or removes it. Import by path.",
  inputs: {
    path: absolutePath().describe("Another path is another file: it replaces."),
    content: z.string().describe("The whole content, UTF-8; may be secret."),
    mode: octalMode("0644").describe("Octal; default `0644`."),
    owner: accountName().optional().describe("Default: who runs the provider."),
    group: accountName().optional().describe("Default: the owner's group."),
    validate: argumentVector()
      .optional()
      .describe(
        "Run before the file takes its place; `%s` is the new file: `sshd -t -f %s`. A unit is verified by its own name.",
      ),
  },
  outputs: {
    sha256: z.string().describe("Of the content, hex. Secret when the content is."),
    found: foundSchema.optional().describe("What was there before; secret."),
  },
  replaceOn: ["path"],
  secretOutputs: ["found"],
  derived: { sha256: "content" },

  plan: ({ content }, old) => ({
    sha256: typeof content === "string" ? digest(content) : UNKNOWN,
    found: old?.found,
  }),

  async create({ transport, signal }, inputs) {
    const found = await find(transport, inputs.path);
    // An interrupted up that is repeated finds its own file.
    const ours =
      found?.content === Buffer.from(inputs.content).toString("base64") &&
      found.mode === inputs.mode;
    const validate = validatorOf(inputs);
    await transport.writeAtomic(inputs.path, inputs.content, { ...inputs, validate, signal });
    const outputs = { sha256: digest(inputs.content), ...(ours || !found ? {} : { found }) };
    return { id: inputs.path, outputs };
  },

  async read({ transport }, id, old) {
    // Both at once: one round trip.
    const [entry, bytes] = await Promise.all([transport.stat(id), transport.read(id)]);
    if (entry?.type !== "file" || bytes === undefined) return undefined;
    const content = bytes.toString("utf8");
    const foreign = old === undefined && entry.owner !== transport.user;
    return {
      ...old,
      path: id,
      content,
      mode: entry.mode,
      ...(old?.owner !== undefined || foreign ? { owner: entry.owner } : {}),
      ...(old?.group !== undefined || foreign ? { group: entry.group } : {}),
      // What is imported was there before us.
      ...(old === undefined ? { found: await find(transport, id) } : {}),
      sha256: digest(content),
    };
  },

  async update({ transport, signal }, old, inputs) {
    const validate = validatorOf(inputs);
    await transport.writeAtomic(inputs.path, inputs.content, { ...inputs, validate, signal });
    return { sha256: digest(inputs.content), found: old.found };
  },

  async delete({ transport }, { path, found }) {
    await transport.remove(`${dirname(path)}/.${basename(path)}.new`);
    if (found === undefined) {
      await transport.remove(path);
    } else {
      const { content, ...ownership } = found;
      await transport.writeAtomic(path, Buffer.from(content, "base64"), ownership);
    }
  },
});

/** systemd wants a unit by its own name, and the new file lies beside it under another one. */
function validatorOf({ path, validate }: { path: string; validate?: string[] | undefined }) {
  const [program = "", ...rest] = validate ?? [];
  if (basename(program) !== "systemd-analyze") return validate;
  const script = `folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cp "$1" "$folder/$2" &&
file="$folder/$2" && shift 2 && "$@" "$file"`;
  const words = rest.filter((word) => word !== "%s");
  return ["sh", "-c", script, program, "%s", basename(path), program, ...words];
}

function digest(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

async function find(
  transport: Transport,
  path: string,
): Promise<z.output<typeof foundSchema> | undefined> {
  const entry = await transport.stat(path);
  if (entry === undefined) return undefined;
  if (entry.type !== "file") {
    throw new Fault(`${path} is a ${entry.type}; move it away or choose another path.`);
  }
  if (entry.size > largestFound) {
    throw new Fault(`${path} exists and is too large to be kept; move it away.`);
  }
  const content = (await transport.read(path)) ?? Buffer.alloc(0);
  const { mode, owner, group } = entry;
  return { content: content.toString("base64"), mode, owner, group };
}
