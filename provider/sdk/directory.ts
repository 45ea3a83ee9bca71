import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface DirectoryArgs {
  /** Absolute; missing parents are made (0755, same owner). */
  path: Input<string>;
  /** Octal; default `0755`. */
  mode?: Input<string> | undefined;
  /** User name; default: who runs the provider. */
  owner?: Input<string> | undefined;
  /** Group name; default: the owner's group. */
  group?: Input<string> | undefined;
  /** Delete with everything in it; default false. */
  purge?: Input<boolean> | undefined;
}

/** A directory. Deleting removes it when we made it and it is empty, or with `purge`. Import by path. */
export class Directory extends CustomResource {
  declare readonly path: Output<string>;
  declare readonly mode: Output<string>;
  declare readonly owner: Output<string | undefined>;
  declare readonly group: Output<string | undefined>;
  declare readonly purge: Output<boolean>;
  /** Whether it was there before us. */
  declare readonly found: Output<boolean>;

  constructor(name: string, args: DirectoryArgs, opts?: CustomResourceOptions) {
    super("host:index:Directory", name, { ...args, found: undefined }, opts);
  }
}
