import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
  mergeOptions,
} from "@pulumi/pulumi";

export interface SecretArgs {
  /** Characters, 16 to 1024; default 40. */
  length?: Input<number> | undefined;
  /** A change makes a new value; default 1. */
  version?: Input<number> | undefined;
}

/** A random value, made once and kept in the state. 6 bits a character. */
export class Secret extends CustomResource {
  declare readonly length: Output<number>;
  declare readonly version: Output<number>;
  /** Of `A-Za-z0-9_-`; secret. */
  declare readonly value: Output<string>;

  constructor(name: string, args: SecretArgs, opts?: CustomResourceOptions) {
    const secret = { additionalSecretOutputs: ["value"] };
    super("host:index:Secret", name, { ...args, value: undefined }, mergeOptions(opts, secret));
  }
}
