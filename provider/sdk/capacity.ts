import { type CustomResourceOptions, CustomResource, type Output } from "@pulumi/pulumi";

/** What the host is made of, for sizing what runs on it. Nothing is changed by it. */
export class Capacity extends CustomResource {
  /** Megabytes, down to a multiple of 256. */
  declare readonly memory: Output<number>;
  /** Processors that may be used. */
  declare readonly cores: Output<number>;

  constructor(name: string, opts?: CustomResourceOptions) {
    super("host:index:Capacity", name, { memory: undefined, cores: undefined }, opts);
  }
}
