import type { TimerInputs } from "../resources/timer.ts";
import type { UnitInputs } from "../resources/unit.ts";
import type { Transport } from "../transport/transport.ts";
import { definitionVariable } from "./files.ts";
import { type Directives, directivesOf, processOf, secretsOf } from "./parse.ts";
import { unitPath } from "./unitFile.ts";

/** Stands for checks that no file on a host tells: always passes. */
const unknownCheck = { exec: { command: ["/bin/true"] } };

/** A unit of ours as its files on the host say it; undefined when there is none. */
export async function importedUnit(
  transport: Transport,
  name: string,
): Promise<UnitInputs | undefined> {
  const directives = await read(transport, `${name}.service`);
  if (directives === undefined) return undefined;
  const first = (key: string): string | undefined => directives.get(key)?.[0];
  const watchdog = first("WatchdogSec");
  return {
    name,
    ...processOf(directives),
    ...(await secrets(transport, name)),
    ...(watchdog === undefined ? {} : { watchdog: Number(watchdog) }),
    after: (first("After") ?? "").split(" ").filter((unit) => unit !== "network-online.target"),
    systemd: first("RestartSteps") === undefined ? 252 : 254,
    ready: [unknownCheck],
    readyTimeout: Number(first("TimeoutStartSec") ?? 90),
    stopSignal: (first("KillSignal") ?? "SIGTERM").slice(3) as UnitInputs["stopSignal"],
    stopTimeout: Number(first("TimeoutStopSec") ?? 20),
    handover: first("RuntimeDirectory") !== undefined,
    running: true,
    enabled: true,
    intact: true,
  };
}

/** The same of a timer. */
export async function importedTimer(
  transport: Transport,
  name: string,
): Promise<TimerInputs | undefined> {
  const [timer, service] = await Promise.all([
    read(transport, `${name}.timer`),
    read(transport, `${name}.service`),
  ]);
  if (timer === undefined || service === undefined) return undefined;
  return {
    name,
    schedule: (timer.get("OnCalendar")?.[0] ?? "").replaceAll("%%", "%"),
    randomDelay: Number(timer.get("RandomizedDelaySec")?.[0] ?? 0),
    ...processOf(service),
    ...(await secrets(transport, name)),
    timeout: Number(service.get("TimeoutStartSec")?.[0] ?? 3600),
    running: true,
    enabled: true,
    intact: true,
  };
}

async function read(transport: Transport, unit: string): Promise<Directives | undefined> {
  const text = await transport.read(unitPath(unit));
  return text === undefined ? undefined : directivesOf(text.toString("utf8"));
}

/** Without the variables that we add ourselves. */
async function secrets(transport: Transport, name: string) {
  const { env, ...others } = await secretsOf(transport, name);
  const own = new Set(["LANG", "READY_FILE", definitionVariable]);
  const kept = Object.entries(env).filter(
    ([key, value]) => !own.has(key) || (key === "LANG" && value !== "C.UTF-8"),
  );
  return { env: Object.fromEntries(kept), ...others };
}
