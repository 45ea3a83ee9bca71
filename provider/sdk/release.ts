import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface ReleaseArgs {
  /** Absolute; the folder that holds the versions, ours alone. Removed by delete. */
  path: Input<string>;
  /**
   * Absolute path of a file or folder on the machine that runs Pulumi; no links in it. Another place
   * with the same version is no change.
   */
  source: Input<string>;
  /** Names the content, e.g. its hash: at most 64 letters, digits, `.`, `_` and `-`. */
  version: Input<string>;
  /** User name; default: who runs the provider. */
  owner?: Input<string> | undefined;
  /** Group name; default: the owner's group. */
  group?: Input<string> | undefined;
}

/**
 * A program of ours, put on the host whole or not at all. The former version and another one stay
 * beside it, and so does any that runs.
 */
export class Release extends CustomResource {
  declare readonly path: Output<string>;
  declare readonly source: Output<string>;
  declare readonly version: Output<string>;
  declare readonly owner: Output<string | undefined>;
  declare readonly group: Output<string | undefined>;
  /** `<path>/<version>`; a source that is a file lies in it under its name. Known in a preview. */
  declare readonly directory: Output<string>;
  /** Whether every file was as it should be when last looked at. */
  declare readonly intact: Output<boolean>;

  constructor(name: string, args: ReleaseArgs, opts?: CustomResourceOptions) {
    super("host:index:Release", name, { ...args, directory: undefined, intact: undefined }, opts);
  }
}
