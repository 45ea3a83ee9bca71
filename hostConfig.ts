import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";

import { z } from "zod";

/** How the machine is reached that the platform runs on. */
export type Connection =
  | { readonly transport: "local" }
  | {
      readonly transport: "ssh";
      readonly address: string;
      readonly port: number;
      readonly user: string;
      readonly privateKey?: string;
      readonly agent?: true;
      readonly hostKey?: string;
    };

export type Supervisor = "runit" | "systemd";

/** First and last of the local ports that forwards take by default; below Linux' ephemeral ones. */
const forwardPorts = { first: 20_000, runs: 3000, length: 4 };

/** `hivematrix:host` of Pulumi.<stack>.yaml: a machine that is reached by SSH. Absent: this machine. */
export const hostSchema = z
  .strictObject({
    address: z
      .string()
      .regex(/^[A-Za-z0-9][\w.:-]*$/, "must be a host's name or IP address")
      .describe("Name or IP address."),
    port: z.coerce.number().int().min(1).max(65_535).default(22).describe("SSH; default 22."),
    user: z
      .string()
      .regex(/^[A-Za-z_][\w.-]*$/, "must be a user's name")
      .default("root")
      .describe("To log in as; another one than root needs sudo without a password. Default root."),
    privateKeyPath: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File with the private key, on the machine that runs Pulumi; ~ is the home folder.",
      ),
    agent: z
      .union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")])
      .optional()
      .describe("true: the keys of the ssh agent."),
    hostKey: z
      .string()
      .regex(
        /^(ssh|ecdsa)-[\w-]+ [A-Za-z0-9+/=]+/,
        'must be a public key as in known_hosts, such as "ssh-ed25519 AAAA…"',
      )
      .optional()
      .describe("The host's public key. Without it the host is refused with its fingerprint."),
    forwardBase: z.coerce
      .number()
      .int()
      .min(1024)
      .max(65_531)
      .optional()
      .describe("First of four ports here that lead to the host; default by stack and address."),
  })
  .check(({ value: { privateKeyPath, agent }, issues }) => {
    if ((privateKeyPath === undefined) === (agent === true)) return;
    const message =
      agent === true
        ? "privateKeyPath and agent exclude each other"
        : "needs privateKeyPath, or agent: true";
    issues.push({ code: "custom", input: privateKeyPath, path: [], message });
  });

export type HostSettings = z.output<typeof hostSchema>;

/** @throws Error when the key cannot be read */
export function connectionOf(host: HostSettings | undefined): Connection {
  if (host === undefined) return { transport: "local" };
  const { address, port, user, privateKeyPath, hostKey } = host;
  return {
    transport: "ssh",
    address,
    port,
    user,
    ...(privateKeyPath === undefined ? { agent: true } : { privateKey: readKey(privateKeyPath) }),
    ...(hostKey === undefined ? {} : { hostKey }),
  };
}

/** First of the ports here that lead to the host: the same at every run, another for each stack. */
export function forwardBaseOf(stack: string, host: HostSettings | undefined): number {
  if (host?.forwardBase !== undefined) return host.forwardBase;
  const { first, runs, length } = forwardPorts;
  const digest = createHash("sha256")
    .update(`${stack} ${host?.address ?? ""}`)
    .digest();
  return first + (digest.readUInt32BE(0) % runs) * length;
}

function readKey(path: string): string {
  try {
    return readFileSync(path.replace(/^~(?=\/)/, homedir()), "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(
      `hivematrix:host.privateKeyPath: ${path} cannot be read (${String(code)}); name the file with the private key, or set agent: true`,
      { cause },
    );
  }
}
