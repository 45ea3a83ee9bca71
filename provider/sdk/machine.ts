import { type CustomResourceOptions, CustomResource, type Output } from "@pulumi/pulumi";

/**
 * What a machine is. Whatever is put on it depends on this: making it refuses a system that cannot
 * work, and a clock that is off, before anything is changed.
 */
export class Machine extends CustomResource {
  /** As it calls itself. */
  declare readonly system: Output<string>;
  declare readonly version: Output<string>;
  declare readonly codename: Output<string>;
  /** As dpkg has it. */
  declare readonly architecture: Output<string>;
  /** Version of systemd. */
  declare readonly systemd: Output<number>;
  declare readonly cores: Output<number>;
  /** MiB. */
  declare readonly memory: Output<number>;
  /** Whether our tests run on this system. */
  declare readonly tested: Output<boolean>;
  /** Package that keeps its clock; empty: none is installed. */
  declare readonly timeDaemon: Output<string>;

  constructor(name: string, opts?: CustomResourceOptions) {
    const outputs = ["system", "version", "codename", "architecture", "systemd", "cores"];
    const all = [...outputs, "memory", "tested", "timeDaemon", "clock"];
    super("host:index:Machine", name, Object.fromEntries(all.map((key) => [key, undefined])), opts);
  }
}
