import { createHash } from "node:crypto";

import { Fault } from "../../fault.ts";
import { describeHost, type SshOptions } from "./options.ts";

/** Kinds of keys, and the signatures that prove one of a kind (RFC 4253, 5656, 8332, 8709). */
const signatures = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
} as const;

type Kind = keyof typeof signatures;
export type Signature = (typeof signatures)[Kind][number];

/** Why a text is no host key; undefined when it is one. */
export function hostKeyFault(text: string): string | undefined {
  const [kind = "", body = ""] = text.trim().split(/\s+/);
  const known = Object.hasOwn(signatures, kind);
  if (known && kindOf(Buffer.from(body, "base64")) === kind) return undefined;
  return 'must be a public key as in known_hosts, such as "ssh-ed25519 AAAA…" (on the host: cat /etc/ssh/ssh_host_ed25519_key.pub)';
}

/** What may prove the pinned key; anything when none is pinned. */
export function signaturesOf(hostKey: string | undefined): Signature[] {
  const kind = hostKey?.trim().split(/\s+/)[0];
  if (kind !== undefined && Object.hasOwn(signatures, kind)) return [...signatures[kind as Kind]];
  return Object.values(signatures).flat();
}

/** As OpenSSH shows it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** Undefined when the key is the pinned one. */
export function refusal(key: Buffer, options: SshOptions): Fault | undefined {
  const host = describeHost(options);
  const shown = `${kindOf(key)} ${fingerprint(key)}`;
  const line = `hostKey: ${kindOf(key)} ${key.toString("base64")}`;
  if (options.hostKey === undefined) {
    return new Fault(
      `The key of ${host} is not known yet, so nothing was sent: ${shown}. Compare it on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_${nameOf(key)}_key.pub); if it is the same, set\n${line}`,
    );
  }
  const pinned = Buffer.from(options.hostKey.trim().split(/\s+/)[1] ?? "", "base64");
  if (pinned.equals(key)) return undefined;
  return new Fault(
    `${host} answers with another key than the pinned one, so nothing was sent: ${shown} instead of ${fingerprint(pinned)}. Either the host was set up anew, or somebody answers in its place. If its console shows the new one, set\n${line}`,
  );
}

/** The kind written at the start of the key itself (RFC 4253, 6.6). */
function kindOf(key: Buffer): string {
  if (key.length < 4) return "";
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
}

function nameOf(key: Buffer): string {
  const kind = kindOf(key);
  return kind.startsWith("ecdsa") ? "ecdsa" : kind.replace("ssh-", "");
}
