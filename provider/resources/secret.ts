import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { define } from "../resource.ts";
import { UNKNOWN } from "../wire.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

export const secret = define({
  description:
    "A random value, made once and kept in the state. 6 bits a character. Import by the path of a file on the host that holds it.",
  inputs: {
    length: z.int().min(16).max(1024).default(40).describe("Characters; default 40."),
    version: z.int().min(1).default(1).describe("A change makes a new value; default 1."),
  },
  outputs: { value: z.string().describe("Of `A-Za-z0-9_-`.") },
  replaceOn: [],
  secretOutputs: ["value"],

  plan: (inputs, old) => ({
    value:
      old !== undefined && inputs.length === old.length && inputs.version === old.version
        ? old.value
        : UNKNOWN,
  }),
  create: (_context, { length }) =>
    Promise.resolve({ id: randomUUID(), outputs: { value: randomText(length) } }),
  async read({ transport }, id, old) {
    if (old !== undefined) return old;
    // The value itself would be an id that everybody sees.
    if (!id.startsWith("/")) {
      throw new Fault("A Secret is imported by the path of a file on the host that holds it.");
    }
    const value = (await transport.read(id))?.toString("utf8").trimEnd();
    if (value === undefined || value === "") return undefined;
    return { length: value.length, version: 1, value };
  },
  update: (_context, old, { length, version }) =>
    Promise.resolve({
      value: length === old.length && version === old.version ? old.value : randomText(length),
    }),
  delete: () => Promise.resolve(),
});

/** 64 characters: every byte's lower six bits are equally likely. */
function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => alphabet[byte & 63]).join("");
}
