/** A port that may be reached from outside. */
export interface Opening {
  readonly port: number;
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp" | undefined;
  /** Networks it may be reached from (CIDR); default everywhere. */
  readonly from?: readonly string[] | undefined;
}

/** Whom the processes of a system user may talk with; everybody else is refused and logged. */
export interface Outward {
  /** The service, for the line in the journal. */
  readonly name: string;
  readonly user: string;
  /** CIDRs besides this machine. */
  readonly networks: readonly string[];
}

/** What may be reached on a host; everything else is refused. */
export interface Rules {
  /** Ports of sshd: always open, with a bounded number of new connections for each address. */
  readonly sshPorts: readonly number[];
  /** New ssh connections a minute from one IPv4 address or IPv6 /64; as many again at once. */
  readonly sshRate: number;
  readonly open: readonly Opening[];
}

/** Protocol and port, for each network it is open to. */
export function matchesOf(
  { port, protocol = "tcp", from }: Opening,
  say: (network: string | undefined, protocol: string, port: number) => string,
): string[] {
  return from?.map((network) => say(network, protocol, port)) ?? [say(undefined, protocol, port)];
}

export function isIPv6(network: string): boolean {
  return network.includes(":");
}
