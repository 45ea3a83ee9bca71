import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface OpeningArgs {
  port: Input<number>;
  /** `tcp` or `udp`; default `tcp`. */
  protocol?: Input<string> | undefined;
  /** Networks it may be reached from (CIDR); default everywhere. */
  from?: Input<Input<string>[]> | undefined;
}

export interface OutwardArgs {
  /** The service, for the line in the journal. */
  name: Input<string>;
  /** Its system user; must exist. */
  user: Input<string>;
  /** Networks it may talk with besides this machine; or `any`. */
  networks: Input<Input<string>[]>;
}

export interface FirewallRulesetArgs {
  /** Ports of sshd, always open; default 22. The one the host is reached by must be among them. */
  sshPorts?: Input<Input<number>[]> | undefined;
  /** New ssh connections a minute from one IPv4 address or IPv6 /64; 6 to 1000, default 30. */
  sshRate?: Input<number> | undefined;
  /** Ports that may be reached from outside. */
  open?: Input<Input<OpeningArgs>[]> | undefined;
  /** Whom services may talk with; the rest is refused and logged. */
  egress?: Input<Input<OutwardArgs>[]> | undefined;
  /** Seconds until new rules are taken back unless somebody comes in; 20 to 600, default 90. */
  confirmWithin?: Input<number> | undefined;
}

/**
 * The firewall of a host: default deny inbound, tables of our own, others left alone. New rules are
 * taken back by a timer unless a new connection is made. One for each host. Import by `hivematrix`.
 */
export class FirewallRuleset extends CustomResource {
  declare readonly sshPorts: Output<number[]>;
  declare readonly enabled: Output<boolean>;
  /** What the machine loads when it starts. */
  declare readonly rules: Output<string>;
  /** The tables as they were when they were loaded, and when last looked at. */
  declare readonly expected: Output<string>;
  declare readonly loaded: Output<string>;

  constructor(name: string, args: FirewallRulesetArgs, opts?: CustomResourceOptions) {
    super(
      "host:index:FirewallRuleset",
      name,
      { ...args, enabled: undefined, rules: undefined, expected: undefined, loaded: undefined },
      opts,
    );
  }
}
