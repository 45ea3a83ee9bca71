import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface ExecArgs {
  /** Argument vector, no shell. Visible in the process list: no secrets here. */
  command: Input<Input<string>[]>;
  /** Absolute path that exists when it was done; made empty if the command does not make it. */
  creates: Input<string>;
  /** Run as; root only. Default: who runs the provider. */
  user?: Input<string> | undefined;
  /** Default: `/`. */
  cwd?: Input<string> | undefined;
  /** Added to the environment; may hold secrets. A change alone does not run it again. */
  env?: Input<Record<string, Input<string>>> | undefined;
  /** May be secret. A change alone does not run it again. */
  stdin?: Input<string> | undefined;
  /** Any change runs it again. */
  triggers?: Input<Input<string>[]> | undefined;
}

/** A one-off action, proved done by a path. Deleting does nothing. */
export class Exec extends CustomResource {
  declare readonly command: Output<string[]>;
  declare readonly creates: Output<string>;
  declare readonly user: Output<string | undefined>;
  declare readonly cwd: Output<string | undefined>;
  declare readonly env: Output<Record<string, string> | undefined>;
  declare readonly stdin: Output<string | undefined>;
  declare readonly triggers: Output<string[] | undefined>;
  /** Random; new at each run. */
  declare readonly ran: Output<string>;

  constructor(name: string, args: ExecArgs, opts?: CustomResourceOptions) {
    super("host:index:Exec", name, { ...args, ran: undefined }, opts);
  }
}
