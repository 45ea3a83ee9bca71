import { HiveError } from "./hiveError.ts";
import type { Output } from "./output.ts";
import { readRecord } from "./record.js";
import { ownCheckout, trialStack } from "./trial.ts";
import { wayTo } from "./way.ts";
import type { Transport } from "../provider/transport/transport.ts";

/** What `hive` does to the units of a real host. */
export type UnitAction = "start" | "stop" | "restart";

/** One service of a real host, as systemd tells it. */
export interface UnitState {
  readonly name: string;
  /** `ActiveState` of systemd: active, inactive, failed, activating, … */
  readonly state: string;
  readonly pid: number | null;
}

export function isRealStack(stack: string): boolean {
  return stack !== trialStack;
}

/** What set-up noted of a real stack. @throws HiveError when it is not set up from this checkout */
export function findRealStack(stack: string) {
  const record = readRecord(ownCheckout, stack);
  if (record === undefined) {
    throw new HiveError(
      `Stack ${stack} is not set up in this checkout: run \`npm run up -- -s ${stack}\`.`,
    );
  }
  return record;
}

/**
 * Works on the machine of a real stack, by SSH when it is another one.
 * @throws HiveError when the stack is not set up from this checkout, or its host does not answer
 */
export async function onHost<T>(
  stack: string,
  work: (transport: Transport) => Promise<T>,
): Promise<T> {
  const { host } = findRealStack(stack);
  try {
    const { transport, close } = await wayTo(host);
    try {
      return await work(transport);
    } finally {
      close();
    }
  } catch (fault) {
    if (fault instanceof HiveError) throw fault;
    throw new HiveError(fault instanceof Error ? fault.message : String(fault));
  }
}

/** The platform's services, in alphabetical order. */
export async function readUnits(transport: Transport): Promise<UnitState[]> {
  const units = ((await transport.list("/etc/systemd/system")) ?? [])
    .filter((file) => /^hive-[a-z0-9_-]+\.service$/.test(file))
    .filter((file) => !file.endsWith("-candidate.service"))
    .sort();
  if (units.length === 0) return [];
  const argv = ["systemctl", "show", "--property=ActiveState,MainPID", "--", ...units];
  const blocks = (await transport.run(argv)).stdout.trim().split("\n\n");
  return units.map((unit, index) => {
    const block = blocks[index] ?? "";
    const pid = Number(/^MainPID=(\d+)$/m.exec(block)?.[1] ?? 0);
    const name = unit.slice("hive-".length, -".service".length);
    return { name, state: /^ActiveState=(.*)$/m.exec(block)?.[1] ?? "", pid: pid || null };
  });
}

/** @throws HiveError naming a service that is not there */
export async function chooseUnits(
  transport: Transport,
  names: readonly string[],
): Promise<string[]> {
  const known = (await readUnits(transport)).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new HiveError(`There is no service ${unknown}. There are: ${known.join(", ")}.`, 2);
  }
  return names.length === 0 ? known : [...new Set(names)];
}

/** systemctl waits until they have arrived. @throws HiveError with what it said */
export async function controlUnits(
  stack: string,
  action: UnitAction,
  names: readonly string[],
): Promise<UnitState[]> {
  return onHost(stack, async (transport) => {
    const chosen = await chooseUnits(transport, names);
    const units = chosen.map((name) => `hive-${name}.service`);
    const { code, stderr } = await transport.run([
      ...["systemctl", "--no-ask-password", action, "--"],
      ...units,
    ]);
    if (code !== 0) throw new HiveError(`systemctl ${action} failed: ${stderr.trim()}`);
    return (await readUnits(transport)).filter(({ name }) => chosen.includes(name));
  });
}

/** The end of a service's journal, or of all of them; oldest line first. */
export async function readJournal(
  stack: string,
  service: string | undefined,
  lines: number,
): Promise<string> {
  return onHost(stack, async (transport) => {
    const chosen = await chooseUnits(transport, service === undefined ? [] : [service]);
    const units = chosen.map((name) => `--unit=hive-${name}.service`);
    const argv = ["journalctl", "--no-pager", "--output=short-iso", `--lines=${lines}`, ...units];
    return (await transport.run(argv)).stdout.trimEnd();
  });
}

export function describeUnits(units: readonly UnitState[], output: Output): string[] {
  if (units.length === 0) return ["No services yet."];
  const width = Math.max(...units.map(({ name }) => name.length));
  return units.map(({ name, state, pid }) => {
    const mark = state === "active" ? output.green("✓") : output.red("✗");
    return `${mark} ${name.padEnd(width)}  ${state}${pid === null ? "" : `  pid ${pid}`}`;
  });
}
