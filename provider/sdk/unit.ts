import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";
import type { Check } from "./check.ts";

export interface UnitArgs {
  /** 1 to 60 of `a-z0-9_-`; the unit is `<name>.service`. */
  name: Input<string>;
  /** One line for people; default: the name. */
  description?: Input<string> | undefined;
  /** Argument vector with an absolute program; stays in the foreground. No secrets here. */
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
  /** It talks sd_notify(3) and must say so within these seconds. Default: it does not. */
  watchdog?: Input<number> | undefined;
  /** Units that start before it with the machine. */
  after?: Input<Input<string>[]> | undefined;
  /** Version of the host's systemd; default 252. From 254 on restarts back off to 60 s. */
  systemd?: Input<number> | undefined;
  /** All must pass. */
  ready: Input<Input<Check>[]>;
  /** Seconds until a start counts as failed; default 90. */
  readyTimeout?: Input<number> | undefined;
  /** Any change restarts it, e.g. the hash of a file it reads. */
  restartOn?: Input<Input<string>[]> | undefined;
  /** Any change sends it HUP. */
  reloadOn?: Input<Input<string>[]> | undefined;
  /** `TERM`, `INT` or `QUIT`; default `TERM`. */
  stopSignal?: Input<string> | undefined;
  /** Seconds between that signal and KILL; default 20. */
  stopTimeout?: Input<number> | undefined;
  /**
   * The program listens with SO_REUSEPORT and writes its pid to $READY_FILE when it is ready: then an
   * update loses no request. Default false.
   */
  handover?: Input<boolean> | undefined;
}

/**
 * A systemd service of ours: its own user, sandboxed, restarted when it ends. Made and changed only
 * when every check passes; when a change fails, the former one is running again.
 */
export class Unit extends CustomResource {
  declare readonly name: Output<string>;
  declare readonly user: Output<string>;
  declare readonly egress: Output<string[]>;
  /** The text of the unit file; it holds no secret. */
  declare readonly unit: Output<string>;
  /** Whether it ran and was ready when last looked at. */
  declare readonly running: Output<boolean>;
  declare readonly enabled: Output<boolean>;
  /** Whether nothing but us changed it: no drop-ins, secret files as written. */
  declare readonly intact: Output<boolean>;

  constructor(name: string, args: UnitArgs, opts?: CustomResourceOptions) {
    super(
      "host:index:Unit",
      name,
      { ...args, unit: undefined, running: undefined, enabled: undefined, intact: undefined },
      opts,
    );
  }
}
