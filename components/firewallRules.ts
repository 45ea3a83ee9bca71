import * as pulumi from "@pulumi/pulumi";

import { FirewallRuleset } from "../provider/sdk/firewallRuleset.ts";
import { Package } from "../provider/sdk/package.ts";
import type { Host } from "./host.ts";

export interface FirewallRulesArgs {
  readonly host: Host;
  /** Ports of sshd; the one the host is reached by among them. */
  readonly sshPorts: readonly number[];
  /** TCP ports that everybody may reach, besides. */
  readonly open: readonly number[];
  /** By service, the networks it may talk with besides the host itself; `any` for all. */
  readonly egress: Readonly<Record<string, { readonly networks: readonly string[] }>>;
}

/**
 * The firewall of a real host: nobody gets in but by ssh and the gateway, also not by a port that
 * Docker publishes; no service talks with somebody it was not declared to.
 */
export class FirewallRules extends pulumi.ComponentResource {
  /** What the machine loads when it starts, for nft. */
  readonly rules: pulumi.Output<string>;

  constructor(name: string, args: FirewallRulesArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, sshPorts, open, egress } = args;
    super("hivematrix:index:FirewallRules", name, { sshPorts, open }, opts);
    const child = { parent: this, provider: host.provider };
    const installed = new Package(
      `${name}-packages`,
      { names: ["nftables"] },
      { ...child, dependsOn: host.ready },
    );
    const ruleset = new FirewallRuleset(
      `${name}-ruleset`,
      {
        sshPorts: [...sshPorts],
        open: open.map((port) => ({ port })),
        egress: Object.entries(egress).flatMap(([service, { networks }]) => {
          const { user } = host.accountOf(service).runAs;
          return user === undefined ? [] : [{ name: service, user, networks: [...networks] }];
        }),
      },
      { ...child, dependsOn: [installed, ...host.ready] },
    );
    this.rules = ruleset.rules;
    this.registerOutputs({ rules: this.rules });
  }
}
