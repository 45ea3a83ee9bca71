import {
  type Input,
  jsonStringify,
  ProviderResource,
  type ResourceOptions,
  secret,
} from "@pulumi/pulumi";

/** This machine, as the user who runs Pulumi. */
export interface LocalArgs {
  transport: Input<"local">;
}

/** Another machine, by SSH. A new address or key is a new way to the same host: nothing is replaced. */
export interface SshArgs {
  transport: Input<"ssh">;
  /** Name or IP address. */
  address: Input<string>;
  /** Default 22. */
  port?: Input<number> | undefined;
  /** To log in as; default `root`. */
  user?: Input<string> | undefined;
  /** The key itself, PEM or OpenSSH. Either this or `agent`. */
  privateKey?: Input<string> | undefined;
  passphrase?: Input<string> | undefined;
  /** Use the keys of the agent at SSH_AUTH_SOCK. */
  agent?: Input<boolean> | undefined;
  /** As in known_hosts, `ssh-ed25519 AAAA…`; without it the host is refused with its fingerprint. */
  hostKey?: Input<string> | undefined;
  /** Become root by `sudo -n`; default: unless the user is root. */
  sudo?: Input<boolean> | undefined;
  /** Ports of 127.0.0.1 here that lead to ports which the host can reach. */
  forwards?: Input<Input<ForwardArgs>[]> | undefined;
}

export interface ForwardArgs {
  localPort: Input<number>;
  host: Input<string>;
  port: Input<number>;
}

export type ProviderArgs = LocalArgs | SshArgs;

/** The `host` provider: everything given to it is about one machine. */
export class Provider extends ProviderResource {
  constructor(name: string, args: ProviderArgs, opts?: ResourceOptions) {
    super(
      "host",
      name,
      args.transport === "local" ? { ...args } : sshInputs(args as SshArgs),
      opts,
    );
  }
}

/** A provider's own configuration carries texts only: everything else travels as JSON. */
function sshInputs(args: SshArgs): Record<string, unknown> {
  const { privateKey, passphrase, ...others } = args;
  const plain = Object.entries(others).map(([key, value]) => [
    key,
    ["port", "agent", "sudo", "forwards"].includes(key) && value !== undefined
      ? jsonStringify(value)
      : value,
  ]);
  return {
    ...(Object.fromEntries(plain) as Record<string, unknown>),
    privateKey: privateKey === undefined ? undefined : secret(privateKey),
    passphrase: passphrase === undefined ? undefined : secret(passphrase),
  };
}
