import * as pulumi from "@pulumi/pulumi";

import { describeEgress, type Egress } from "../egress.ts";
import { type DeclaredPort, getExposureOutput } from "../provider/sdk/getExposure.ts";
import type { Host } from "./host.ts";

export interface ExposureArgs {
  readonly host: Host;
  /** Everything that listens, and what of it is meant for everybody. */
  readonly ports: readonly DeclaredPort[];
  /** Whom each service may talk with; said in a preview of a host that enforces it. */
  readonly egress: Readonly<Record<string, Egress>>;
  /** Everything that listens; looked at when it does. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * The proof, at every `up`, that nothing but what is meant to be is reached from outside. It makes
 * nothing.
 */
export class Exposure extends pulumi.ComponentResource {
  /** True; that it is not fails the run. */
  readonly proved: pulumi.Output<boolean>;

  constructor(name: string, args: ExposureArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ports, egress, after } = args;
    super("hivematrix:index:Exposure", name, { ports }, opts);
    if (host.supervisor === "systemd" && pulumi.runtime.isDryRun()) {
      void pulumi.log.info(describeEgress(egress).join("\n"), this);
    }
    const found = getExposureOutput(
      { ports: [...ports] },
      { parent: this, provider: host.provider, dependsOn: [...after] },
    );
    this.proved = found.apply(() => true);
    this.registerOutputs({ proved: this.proved });
  }
}
