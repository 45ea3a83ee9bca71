import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface TimerArgs {
  /** 1 to 60 of `a-z0-9_-`; the units are `<name>.timer` and `<name>.service`. */
  name: Input<string>;
  /** When, as systemd.time(7) has it: `daily`, `*-*-* 02:00:00`. A missed run is made up for. */
  schedule: Input<string>;
  /** Seconds it may start later, by chance; default 0. */
  randomDelay?: Input<number> | undefined;
  /** One line for people; default: the name. */
  description?: Input<string> | undefined;
  /** Argument vector with an absolute program; in the foreground. No secrets here. */
  command: Input<Input<string>[]>;
  /** Its environment; a file of mode 0600, root's. May hold secrets. */
  env?: Input<Record<string, Input<string>>> | undefined;
  /** Secret texts, each a file in `$CREDENTIALS_DIRECTORY` that only this process can read. */
  credentials?: Input<Record<string, Input<string>>> | undefined;
  /** Its own system user; it must exist. */
  user: Input<string>;
  /** Default `/`. */
  cwd?: Input<string> | undefined;
  /** Absolute paths it may write to; they must exist. Everything else is read-only. */
  writable?: Input<Input<string>[]> | undefined;
  /** Capabilities it keeps, such as `CAP_NET_BIND_SERVICE`; default none. */
  capabilities?: Input<Input<string>[]> | undefined;
  /** Networks (CIDR) it may talk with, in either direction, besides this machine; or `any`. */
  egress?: Input<Input<string>[]> | undefined;
  /** Whether it compiles at run time, as Node and Java do; default true. */
  jit?: Input<boolean> | undefined;
  /** More memory ends it; bytes with K, M or G, default `1G`. */
  memoryMax?: Input<string> | undefined;
  /** Most threads and processes; default 512. */
  tasksMax?: Input<number> | undefined;
  /** Seconds a run may take; default 3600. */
  timeout?: Input<number> | undefined;
}

/** Something that is done at its times on a host with systemd, sandboxed as a Unit is. */
export class Timer extends CustomResource {
  declare readonly name: Output<string>;
  declare readonly schedule: Output<string>;
  declare readonly user: Output<string>;
  declare readonly egress: Output<string[]>;
  /** Texts of the two units; they hold no secret. */
  declare readonly timer: Output<string>;
  declare readonly unit: Output<string>;
  /** Whether the timer waited for its time when last looked at. */
  declare readonly running: Output<boolean>;
  declare readonly enabled: Output<boolean>;
  /** Whether nothing but us changed it: no drop-ins, secret files as written. */
  declare readonly intact: Output<boolean>;

  constructor(name: string, args: TimerArgs, opts?: CustomResourceOptions) {
    super(
      "host:index:Timer",
      name,
      {
        ...args,
        timer: undefined,
        unit: undefined,
        running: undefined,
        enabled: undefined,
        intact: undefined,
      },
      opts,
    );
  }
}
