import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface ArchiveArgs {
  /** Absolute; the directory that holds the content. */
  path: Input<string>;
  /** `maven:GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER]`; TYPE is `tar.gz` or `zip`. */
  source: Input<string>;
  /** Of the archive, hex; refused when different. */
  sha256?: Input<string> | undefined;
  /** Leading directories to leave out; default 1. */
  stripComponents?: Input<number> | undefined;
  /** User name; default: who runs the provider. */
  owner?: Input<string> | undefined;
  /** Group name; default: the owner's group. */
  group?: Input<string> | undefined;
}

/** An unpacked archive. Deleting removes the directory. */
export class Archive extends CustomResource {
  declare readonly path: Output<string>;
  declare readonly source: Output<string>;
  declare readonly sha256: Output<string | undefined>;
  declare readonly stripComponents: Output<number>;
  declare readonly owner: Output<string | undefined>;
  declare readonly group: Output<string | undefined>;

  constructor(name: string, args: ArchiveArgs, opts?: CustomResourceOptions) {
    super("host:index:Archive", name, { ...args }, opts);
  }
}
