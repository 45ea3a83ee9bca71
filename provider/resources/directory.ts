import { dirname } from "node:path";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { define } from "../resource.ts";
import { absolutePath, accountName, octalMode } from "../schema.ts";
import type { Transport } from "../transport/transport.ts";

export const directory = define({
  description:
    "A directory. Deleting removes it when we made it and it is empty, or with `purge`. Import by path.",
  inputs: {
    path: absolutePath().describe("Missing parents are made (0755)."),
    mode: octalMode("0755").describe("Octal; default `0755`."),
    owner: accountName().optional().describe("Default: who runs the provider."),
    group: accountName().optional().describe("Default: the owner's group."),
    purge: z
      .boolean()
      .default(false)
      .describe("Delete with everything in it, unless it was there before us; default false."),
  },
  outputs: {
    found: z.boolean().describe("Whether it was there before us, with something in it."),
    parents: z.array(z.string()).optional().describe("The parents we made; removed when empty."),
  },
  replaceOn: ["path"],

  plan: (_inputs, old) => (old ? { found: old.found, parents: old.parents } : {}),

  async create({ transport }, inputs) {
    const { path } = inputs;
    const entry = await transport.stat(path);
    if (entry !== undefined && entry.type !== "directory") {
      throw new Fault(`${path} is a ${entry.type}; move it away or choose another path.`);
    }
    // An interrupted up that is repeated finds the empty directory it made.
    const found = entry !== undefined && ((await transport.list(path)) ?? []).length > 0;
    const parents = await missingParents(transport, path);
    for (const parent of parents) await transport.makeDirectory(parent, { mode: "0755" });
    await transport.makeDirectory(path, inputs);
    return { id: path, outputs: { found, ...(parents.length === 0 ? {} : { parents }) } };
  },

  async read({ transport }, id, old) {
    const entry = await transport.stat(id);
    if (entry?.type !== "directory") return undefined;
    const foreign = old === undefined && entry.owner !== transport.user;
    return {
      purge: false,
      // What was imported was there before us.
      found: true,
      ...old,
      path: id,
      mode: entry.mode,
      ...(old?.owner !== undefined || foreign ? { owner: entry.owner } : {}),
      ...(old?.group !== undefined || foreign ? { group: entry.group } : {}),
    };
  },

  async update({ transport }, old, inputs) {
    await transport.makeDirectory(inputs.path, inputs);
    return { found: old.found, parents: old.parents };
  },

  async delete({ transport, warn }, { path, purge, found, parents = [] }) {
    if (found) {
      warn(`${path} stays: it was there before.`);
      return;
    }
    if (purge) await transport.removeTree(path);
    else if (!(await removeEmpty(transport, path))) {
      warn(`${path} stays: it is not empty. Remove it with: rm -r ${path}`);
      return;
    }
    for (const parent of [...parents].reverse()) {
      if (!(await removeEmpty(transport, parent))) return;
    }
  },
});

/** From the outermost in. */
async function missingParents(transport: Transport, path: string): Promise<string[]> {
  const missing: string[] = [];
  let parent = dirname(path);
  while (parent !== "/" && (await transport.stat(parent)) === undefined) {
    missing.unshift(parent);
    parent = dirname(parent);
  }
  return missing;
}

/** Whether it is gone now. */
async function removeEmpty(transport: Transport, path: string): Promise<boolean> {
  const names = await transport.list(path);
  if (names !== undefined && names.length > 0) return false;
  await transport.remove(path);
  return true;
}
