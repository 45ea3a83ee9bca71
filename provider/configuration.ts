import { z } from "zod";

import type { Failure, Shape } from "./schema.ts";
import { hostKeyFault } from "./transport/ssh/hostKey.ts";
import { UNKNOWN } from "./wire.ts";

const port = () => z.int().min(1).max(65_535);

/** No space and no start that a program could take for an option. */
const name = (what: string) => z.string().regex(/^[A-Za-z0-9_[\]][\w.:[\]%-]*$/, `must be ${what}`);

/** The provider's own configuration. `version` is added by the engine. */
export const configuration = {
  transport: z
    .enum(["local", "ssh"])
    .describe("`local`: this machine, as the user who runs Pulumi. `ssh`: another one."),
  address: name("a host's name or IP address").optional().describe("ssh: name or IP address."),
  port: port().optional().describe("ssh; default 22."),
  user: name("a user's name").optional().describe("ssh: user to log in as; default `root`."),
  privateKey: z
    .string()
    .optional()
    .describe("ssh: the private key itself, PEM or OpenSSH; secret. Or `agent`."),
  passphrase: z.string().optional().describe("ssh: of the private key; secret."),
  agent: z.boolean().optional().describe("ssh: use the keys of the agent at SSH_AUTH_SOCK."),
  hostKey: z
    .string()
    .optional()
    .describe("ssh: the host's public key, as in known_hosts. Unknown: refused with its print."),
  sudo: z
    .boolean()
    .optional()
    .describe("ssh: become root by `sudo -n`; default: unless the user is root."),
  forwards: z
    .array(
      z.strictObject({
        localPort: port(),
        host: name("a host's name or IP address"),
        port: port(),
      }),
    )
    .optional()
    .describe("ssh: ports of 127.0.0.1 here that lead to ports the host can reach."),
  version: z.string().optional(),
} satisfies Shape;

type Values = Readonly<Record<string, unknown>>;

/** Faults across properties. What is not known yet passes. */
export async function configurationFaults(values: Values): Promise<Failure[]> {
  const { transport, address, privateKey, passphrase, agent, hostKey, forwards } = values;
  const failures: Failure[] = [];
  const add = (property: string, reason: string) => failures.push({ property, reason });
  if (transport === "local") {
    for (const key of Object.keys(values)) {
      if (key !== "transport" && key !== "version") add(key, 'is for transport "ssh" only');
    }
  }
  if (transport !== "ssh") return failures;
  if (address === undefined) add("address", "is required: the host's name or IP address");
  if (privateKey === undefined && agent !== true) {
    add("privateKey", "is required, or agent: true");
  }
  if (privateKey !== undefined && agent === true) add("agent", "and privateKey exclude each other");
  if (typeof privateKey === "string" && passphrase !== UNKNOWN) {
    const reason = await keyFault(privateKey, passphrase);
    if (reason !== undefined) add("privateKey", reason);
  }
  const wrong = typeof hostKey === "string" ? hostKeyFault(hostKey) : undefined;
  if (wrong !== undefined) add("hostKey", wrong);
  if (Array.isArray(forwards)) {
    const ports = (forwards as Values[]).map((forward) => forward["localPort"]);
    ports.forEach((localPort, index) => {
      if (typeof localPort === "number" && ports.indexOf(localPort) < index) {
        add(`forwards[${index}].localPort`, `is ${localPort}, as in another forward`);
      }
    });
  }
  return failures;
}

async function keyFault(privateKey: string, passphrase: unknown): Promise<string | undefined> {
  const { default: ssh2 } = await import("ssh2");
  const key = ssh2.utils.parseKey(
    privateKey,
    typeof passphrase === "string" ? passphrase : undefined,
  );
  if (!(key instanceof Error)) {
    return key.isPrivateKey() ? undefined : "must be the private half of the key pair";
  }
  if (/passphrase/.test(key.message)) {
    return passphrase === undefined
      ? "is encrypted: give its passphrase, or use agent: true"
      : "is not opened by the passphrase";
  }
  return "must be a private key, PEM or OpenSSH, with its first and last line";
}
