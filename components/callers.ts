import * as pulumi from "@pulumi/pulumi";

import { Secret } from "../provider/sdk/secret.ts";
import type { Host } from "./host.ts";

export interface CallersArgs {
  readonly host: Host;
  /** Names of the services that may ask core for something. */
  readonly names: readonly string[];
}

/**
 * The secret by which each service proves to core who it is. Core knows all of them, every other
 * service only its own.
 */
export class Callers extends pulumi.ComponentResource {
  /** JSON text of all of them, for core. */
  readonly all: pulumi.Output<string>;
  readonly #secrets: ReadonlyMap<string, pulumi.Output<string>>;

  constructor(name: string, args: CallersArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, ...plain } = args;
    super("hivematrix:index:Callers", name, plain, opts);
    const child = { parent: this, provider: host.provider };
    this.#secrets = new Map(
      args.names.map((service) => [
        service,
        new Secret(`${name}-${service}`, { length: 43 }, child).value,
      ]),
    );
    this.all = pulumi.jsonStringify(Object.fromEntries(this.#secrets));
    this.registerOutputs({});
  }

  /** @throws Error when the service was not named. */
  secretOf(service: string): pulumi.Output<string> {
    const secret = this.#secrets.get(service);
    if (secret === undefined) throw new Error(`${service} is not among the callers`);
    return secret;
  }
}
