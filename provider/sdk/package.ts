import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface PackageArgs {
  /** Names as for apt-get install. */
  names: Input<Input<string>[]>;
  /** Files, by absolute path, that exist only while apt installs: to steer a package's own set-up. */
  during?: Input<Record<string, Input<string>>> | undefined;
}

/** Debian packages, without recommended ones. Deleting keeps them. Import by names, separated by commas. */
export class Package extends CustomResource {
  declare readonly names: Output<string[]>;
  declare readonly during: Output<Record<string, string> | undefined>;
  /** Installed version by name. */
  declare readonly versions: Output<Record<string, string>>;
  /** The names that were installed before us. */
  declare readonly found: Output<string[]>;

  constructor(name: string, args: PackageArgs, opts?: CustomResourceOptions) {
    super("host:index:Package", name, { ...args, versions: undefined, found: undefined }, opts);
  }
}
