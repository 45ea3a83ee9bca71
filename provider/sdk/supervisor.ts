import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface SupervisorArgs {
  /** Absolute; one symbolic link for each service. Log: `supervisor.log` beside it. */
  directory: Input<string>;
  /** Run as; root only. Default: who runs the provider. */
  user?: Input<string> | undefined;
}

/** The trial's process supervisor (runit). Deleting ends every service under it. */
export class Supervisor extends CustomResource {
  declare readonly directory: Output<string>;
  declare readonly user: Output<string | undefined>;

  constructor(name: string, args: SupervisorArgs, opts?: CustomResourceOptions) {
    super("host:index:Supervisor", name, { ...args }, opts);
  }
}
