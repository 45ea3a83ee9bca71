import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";
import type { Check } from "./check.ts";

export interface ServiceArgs {
  /** Letters, digits, `-` and `_`. */
  name: Input<string>;
  /** The `directory` of its Supervisor. */
  directory: Input<string>;
  /** Absolute; owned by this resource: definition, environment, `log/main`. Removed by delete. */
  state: Input<string>;
  /** Argument vector with an absolute program; stays in the foreground. No secrets here. */
  command: Input<Input<string>[]>;
  /** Its environment besides PATH, HOME and USER; files of mode 0600. May hold secrets. */
  env?: Input<Record<string, Input<string>>> | undefined;
  /** Run as; root only. Default: the supervisor's user. */
  user?: Input<string> | undefined;
  /** Default: `state`. */
  cwd?: Input<string> | undefined;
  /** All must pass. */
  ready: Input<Input<Check>[]>;
  /** Seconds until a start counts as failed; default 90. */
  readyTimeout?: Input<number> | undefined;
  /** Any change restarts it, e.g. the hash of a file it reads. */
  restartOn?: Input<Input<string>[]> | undefined;
  /** Any change sends it HUP, e.g. the hash of a file it reads again then. */
  reloadOn?: Input<Input<string>[]> | undefined;
  /** Signal that asks it to end: `TERM`, `INT` or `QUIT`; default `TERM`. */
  stopSignal?: Input<string> | undefined;
  /** Seconds between TERM and KILL; default 20. */
  stopTimeout?: Input<number> | undefined;
  /**
   * The program listens with SO_REUSEPORT and writes its pid to $READY_FILE when it is ready. Then an
   * update starts a second process of the new one first; only when that is ready is the supervised one
   * replaced, and no request is lost meanwhile. Default false.
   */
  handover?: Input<boolean> | undefined;
}

/**
 * A supervised process (runit). Made and changed only when every check passes; when a change fails,
 * the former process is running again.
 */
export class Service extends CustomResource {
  declare readonly name: Output<string>;
  declare readonly directory: Output<string>;
  declare readonly state: Output<string>;
  declare readonly command: Output<string[]>;
  declare readonly env: Output<Record<string, string>>;
  declare readonly user: Output<string | undefined>;
  declare readonly cwd: Output<string | undefined>;
  declare readonly ready: Output<unknown[]>;
  declare readonly readyTimeout: Output<number>;
  declare readonly restartOn: Output<string[] | undefined>;
  declare readonly reloadOn: Output<string[] | undefined>;
  declare readonly stopSignal: Output<string>;
  declare readonly stopTimeout: Output<number>;
  declare readonly handover: Output<boolean>;
  /** Whether it ran and was ready when last looked at. */
  declare readonly running: Output<boolean>;

  constructor(name: string, args: ServiceArgs, opts?: CustomResourceOptions) {
    super("host:index:Service", name, { ...args, running: undefined }, opts);
  }
}
