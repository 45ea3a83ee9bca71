import { type Input, ProviderResource, type ResourceOptions } from "@pulumi/pulumi";

/** How the provider reaches the machine. SSH will be a second value of `transport`. */
export interface ProviderArgs {
  /** `local`: this machine, as the user who runs Pulumi. */
  transport: Input<"local">;
}

/** The `host` provider: everything given to it is about one machine. */
export class Provider extends ProviderResource {
  constructor(name: string, args: ProviderArgs, opts?: ResourceOptions) {
    super("host", name, { ...args }, opts);
  }
}
