import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface UserArgs {
  name: Input<string>;
  /** Absolute; not created. */
  home: Input<string>;
  /** Default `/usr/sbin/nologin`. */
  shell?: Input<string> | undefined;
}

/** A system user with a group of its own. Deleting removes it only when we made it. Import by name. */
export class User extends CustomResource {
  declare readonly name: Output<string>;
  declare readonly home: Output<string>;
  declare readonly shell: Output<string>;
  /** User number. */
  declare readonly uid: Output<number>;
  /** Number of the primary group. */
  declare readonly gid: Output<number>;
  /** Whether it was there before us. */
  declare readonly found: Output<boolean>;

  constructor(name: string, args: UserArgs, opts?: CustomResourceOptions) {
    super(
      "host:index:User",
      name,
      { ...args, uid: undefined, gid: undefined, found: undefined },
      opts,
    );
  }
}
