import type * as pulumi from "@pulumi/pulumi";

import type { Check } from "../provider/sdk/check.ts";
import { Service } from "../provider/sdk/service.ts";
import { Unit } from "../provider/sdk/unit.ts";
import type { Host } from "./host.ts";

/** A process that is looked after: under runit on the trial, a systemd unit on a real host. */
export type Process = Service | Unit;

export interface ProcessArgs {
  readonly host: Host;
  /** Of the service; its account, unit and log are named after it. */
  readonly service: string;
  /** One line for people. */
  readonly description: string;
  readonly command: pulumi.Input<string>[];
  readonly env: Readonly<Record<string, pulumi.Input<string>>>;
  /** Variables of which it reads the value from a file of its own where the supervisor has such. */
  readonly credentials?: readonly string[];
  readonly cwd?: string;
  readonly ready: readonly Check[];
  /** Seconds until a start counts as failed. */
  readonly readyTimeout?: number;
  readonly restartOn?: readonly pulumi.Input<string>[];
  readonly reloadOn?: readonly pulumi.Input<string>[];
  readonly stopSignal?: "TERM" | "INT" | "QUIT";
  readonly handover?: boolean;
  /** What a unit is allowed beyond the least, and at most. */
  readonly unit?: {
    readonly writable?: readonly string[];
    readonly capabilities?: readonly string[];
    readonly jit?: boolean;
    /** Bytes with K, M or G. */
    readonly memoryMax?: pulumi.Input<string>;
    readonly tasksMax?: number;
    /** Seconds; it talks sd_notify(3). */
    readonly watchdog?: number;
    /** Services that start before it with the machine. */
    readonly after?: readonly string[];
  };
}

/** Named after its component: `<name>-service` either way. */
export function superviseProcess(
  name: string,
  args: ProcessArgs,
  opts: pulumi.CustomResourceOptions,
): Process {
  const { host, service, description, env, credentials = [], unit = {}, ...rest } = args;
  const { ready, restartOn, reloadOn, ...same } = rest;
  const { runAs } = host.accountOf(service);
  const shared = {
    ...same,
    ready: [...ready],
    ...(restartOn === undefined ? {} : { restartOn: [...restartOn] }),
    ...(reloadOn === undefined ? {} : { reloadOn: [...reloadOn] }),
  };
  if (host.supervisor === "runit") {
    const placed = {
      name: service,
      directory: host.supervised,
      state: `${host.root}/services/${service}`,
      env: { ...env },
      ...runAs,
    };
    return new Service(`${name}-service`, { ...shared, ...placed }, opts);
  }
  const { writable = [], capabilities = [], after = [], ...limits } = unit;
  const entries = Object.entries(env);
  const isApart = ([variable]: readonly [string, unknown]) => credentials.includes(variable);
  return new Unit(
    `${name}-service`,
    {
      ...shared,
      ...limits,
      name: unitName(service),
      description,
      user: String(runAs.user),
      env: Object.fromEntries(entries.filter((entry) => !isApart(entry))),
      credentials: Object.fromEntries(entries.filter(isApart)),
      egress: host.egressOf(service),
      writable: [...writable],
      capabilities: [...capabilities],
      after: after.map((other) => `${unitName(other)}.service`),
    },
    opts,
  );
}

/** Without `.service`. */
function unitName(service: string): string {
  return `hive-${service}`;
}
