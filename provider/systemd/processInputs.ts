import { z } from "zod";

import { absolutePath, accountName, argumentVector, environment } from "../schema.ts";

/** Bytes as systemd takes them. */
const bytes = (standard: string) =>
  z
    .string()
    .regex(/^[1-9]\d*[KMG]?$/, 'must be bytes in quotes, such as "512M"')
    .default(standard);

/** Of a unit and its files; systemd adds the kind. */
export const unitName = () =>
  z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,59}$/, "must be 1 to 60 of a-z, 0-9, _ and -, a letter first");

/** What a sandboxed process is: the inputs that Unit and Timer share. */
export const processInputs = {
  description: z.string().optional().describe("One line for people; default: the name."),
  command: argumentVector().describe(
    "With an absolute program, in the foreground. No secrets here.",
  ),
  env: environment().default({}).describe("In a file of mode 0600. May hold secrets."),
  credentials: z
    .record(z.string().regex(/^[\w.-]{1,64}$/, "must be letters, digits, _, . and -"), z.string())
    .optional()
    .describe("Secret texts, each a file in $CREDENTIALS_DIRECTORY that only it can read."),
  user: accountName().describe("Its own system user; it must exist."),
  cwd: z
    .string()
    .regex(/^\/[^\0\n]*$/, "must be an absolute path")
    .default("/")
    .describe("Default `/`."),
  writable: z
    .array(absolutePath())
    .default([])
    .describe("Paths it may write to; everything else is read-only. They must exist."),
  capabilities: z
    .array(z.string().regex(/^CAP_[A-Z_]+$/, "must be a name such as CAP_NET_BIND_SERVICE"))
    .default([])
    .describe("Capabilities it keeps; default none."),
  egress: z
    .array(
      z.union([z.literal("any"), z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], {
        error: 'must be a network such as 192.0.2.0/24, or "any"',
      }),
    )
    .default([])
    .describe("Networks it may talk with, in either direction, besides this machine; or `any`."),
  jit: z.boolean().default(true).describe("It compiles at run time (Node, Java). Default true."),
  memoryMax: bytes("1G").describe("More memory ends it; default `1G`."),
  tasksMax: z.int().min(1).default(512).describe("Most threads and processes; default 512."),
};
