/** How to reach a host. Everything is known: the schema has checked it (configuration.ts). */
export interface SshOptions {
  /** Name or IP address. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** PEM or OpenSSH; else the agent's keys are used. */
  readonly privateKey?: string | undefined;
  readonly passphrase?: string | undefined;
  /** Socket of the agent. */
  readonly agent?: string | undefined;
  /** As in known_hosts: `ssh-ed25519 AAAA…`; without it the host is refused with its fingerprint. */
  readonly hostKey?: string | undefined;
  /** Become root by `sudo -n`. */
  readonly sudo: boolean;
}

/** For messages: `deploy@203.0.113.5`, with the port when it is not 22. */
export function describeHost({ user, address, port }: SshOptions): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${user}@${host}${port === 22 ? "" : `:${port}`}`;
}
