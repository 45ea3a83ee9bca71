import * as pulumi from "@pulumi/pulumi";

import type { Check } from "../provider/sdk/check.ts";
import { Release } from "../provider/sdk/release.ts";
import { Secret } from "../provider/sdk/secret.ts";
import { bundle } from "./bundle.ts";
import type { Host } from "./host.ts";
import { type Process, superviseProcess } from "./process.ts";
import type { Runtime } from "./runtime.ts";

/** The environment of a service as its own schema has it: a variable that is forgotten does not compile. */
export type EnvironmentOf<T> = { readonly [K in keyof T]: pulumi.Input<string> };

export interface ServiceArgs<Env, Made extends keyof Env = never> {
  readonly host: Host;
  readonly runtime: Runtime;
  /** Folder of runtime/ that holds its program. */
  readonly program: "core" | "gateway" | "logger";
  /** One line for people. */
  readonly description: string;
  /** Of node, before the program; default none. */
  readonly flags?: readonly string[];
  /** Its environment; files of mode 0600 on the host. */
  readonly env: EnvironmentOf<Omit<Env, Made>>;
  /** Variables that hold a secret which nobody else knows; made once. */
  readonly secrets?: readonly Made[];
  /** Variables of `env` that are secret. */
  readonly credentials?: readonly (keyof Env & string)[];
  /** Capabilities it keeps; default none. */
  readonly capabilities?: readonly string[];
  /** All must pass before it counts as started. */
  readonly ready: readonly Check[];
  /** Any change makes it read its files again (HUP). */
  readonly reloadOn?: readonly pulumi.Input<string>[];
}

/** Seconds without a word after which systemd starts it anew (runtime/kernel/watchdog.ts). */
const watchdog = 60;

/**
 * A service of the platform's own: its program as one file, and a process that is looked after. A
 * new version takes over only when it is ready; else the former one goes on and `up` fails.
 */
export class Service<Env, Made extends keyof Env = never> extends pulumi.ComponentResource {
  /** The process; whatever talks to it depends on it. */
  readonly process: Process;

  constructor(name: string, args: ServiceArgs<Env, Made>, opts?: pulumi.ComponentResourceOptions) {
    const { host, runtime, program, env, ready } = args;
    const { flags = [], secrets = [], reloadOn = [] } = args;
    super("hivematrix:index:Service", name, { program }, opts);
    const child = { parent: this, provider: host.provider };

    const release = new Release(
      `${name}-release`,
      { path: `${runtime.folder}/${name}`, ...bundle(program), ...host.owned },
      { ...child, dependsOn: runtime.ready },
    );
    const made = secrets.map((variable): [string, pulumi.Output<string>] => {
      const noun = String(variable).toLowerCase().replaceAll("_", "-");
      // What is encrypted with it is lost when it is.
      const secret = new Secret(`${name}-${noun}`, { length: 43 }, { ...child, protect: true });
      return [String(variable), secret.value];
    });
    this.process = superviseProcess(
      name,
      {
        host,
        service: name,
        description: args.description,
        command: [runtime.node, ...flags, pulumi.interpolate`${release.directory}/main.js`],
        env: { ...env, ...Object.fromEntries(made) },
        credentials: [...(args.credentials ?? []), ...secrets.map(String)],
        ready,
        reloadOn,
        handover: true,
        unit: { capabilities: args.capabilities ?? [], after: ["postgres"], watchdog },
      },
      child,
    );
    this.registerOutputs({});
  }
}
