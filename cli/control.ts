import { HiveError } from "./hiveError.ts";
import { openOutput } from "./output.ts";
import { isReady } from "./readiness.ts";
import { callSv, readState } from "./serviceState.ts";
import { findSupervisor, startSupervisor } from "./supervisor.ts";
import { chooseServices, findTrial, listServices, type Trial } from "./trial.ts";
import { controlUnits, describeUnits, isRealStack } from "./units.ts";

/** What a command does to a service. */
export type Action = "start" | "stop" | "restart";

export interface ControlOptions {
  readonly stack: string;
  readonly json?: boolean;
  /** Seconds a service gets. */
  readonly timeout: string;
  /** Nothing is printed. */
  readonly quiet?: boolean;
}

const pause = 200;

const verbs = { start: "up", stop: "down", restart: "restart" } as const;
const done = { start: "ready", stop: "stopped", restart: "ready" } as const;

/**
 * Starts, stops or restarts services and waits until they have arrived there.
 * @param names none means all
 * @throws HiveError naming the service that did not
 */
export async function control(
  action: Action,
  names: readonly string[],
  options: ControlOptions,
): Promise<void> {
  if (isRealStack(options.stack)) {
    const output = openOutput();
    const units = await controlUnits(options.stack, action, names);
    if (options.json === true) output.line(JSON.stringify(units, null, 2));
    else for (const line of describeUnits(units, output)) output.line(line);
    return;
  }
  const trial = findTrial(options.stack);
  const services = chooseServices(trial, names);
  const timeout = Number(options.timeout);
  if (!(timeout > 0)) throw new HiveError("--timeout needs a number of seconds.", 2);
  const deadline = Date.now() + timeout * 1000;
  if (action !== "stop") await ensureSupervised(trial, services, deadline);

  const output = openOutput();
  const tells = options.json !== true && options.quiet !== true;
  const start = Date.now();
  const before = services.map((name) => readState(trial, name).pid);
  // All are told at once: one may need another to become ready.
  for (const name of services) callSv(trial, [verbs[action]], name);
  const seconds: Record<string, number> = {};
  for (const [index, name] of services.entries()) {
    const former = action === "restart" ? before[index] : undefined;
    while (!(await hasArrived(action, trial, name, former))) {
      if (Date.now() > deadline) {
        throw new HiveError(
          `${name} is not ${done[action]} after ${timeout} s: ${trial.root}/services/${name}/log/main/current tells why.`,
        );
      }
      if (tells) {
        output.rewrite(`  ${name} … ${Math.round((Date.now() - start) / 1000)} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    seconds[name] = (Date.now() - start) / 1000;
    if (tells) {
      const took = output.dim(`${seconds[name].toFixed(1)} s`);
      output.line(`${output.green("✓")} ${name} ${done[action]} ${took}`);
    }
  }
  if (options.json === true && options.quiet !== true) {
    const result = services.map((name) => {
      return { name, state: done[action], seconds: seconds[name] };
    });
    output.line(JSON.stringify(result, null, 2));
  }
}

/** Starts a dead supervisor; its services are looked after again within seconds. */
async function ensureSupervised(
  trial: Trial,
  services: readonly string[],
  deadline: number,
): Promise<void> {
  const isAlone = (name: string) => readState(trial, name).state === "unsupervised";
  if (findSupervisor(trial) === undefined) {
    startSupervisor(
      trial,
      listServices(trial).some((name) => !isAlone(name)),
    );
  }
  while (services.some(isAlone)) {
    if (Date.now() > deadline) {
      throw new HiveError(
        `The supervisor does not come up: ${trial.root}/supervisor.log tells why.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** @param former pid that must be gone */
async function hasArrived(
  action: Action,
  trial: Trial,
  name: string,
  former: number | undefined,
): Promise<boolean> {
  const { state, pid } = readState(trial, name);
  if (action === "stop") return state === "down" || state === "unsupervised";
  if (state !== "run" || pid === former) return false;
  return (await isReady(trial, name)) !== false;
}
