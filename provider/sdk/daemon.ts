import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface DaemonArgs {
  /** With its kind: `cron.service`, `apt-daily.timer`. It must be there. */
  unit: Input<string>;
  /** Any change restarts it, e.g. the hash of a file it reads. */
  restartOn?: Input<Input<string>[]> | undefined;
  /** Any change reloads it. */
  reloadOn?: Input<Input<string>[]> | undefined;
}

/** A unit of the distribution, enabled and running. Deleting gives back how it was found. */
export class Daemon extends CustomResource {
  declare readonly unit: Output<string>;
  /** Whether it ran when last looked at; true where its own conditions keep it off. */
  declare readonly running: Output<boolean>;
  declare readonly enabled: Output<boolean>;

  constructor(name: string, args: DaemonArgs, opts?: CustomResourceOptions) {
    const outputs = { running: undefined, enabled: undefined, found: undefined };
    super("host:index:Daemon", name, { ...args, ...outputs }, opts);
  }
}
