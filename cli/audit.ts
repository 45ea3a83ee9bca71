import type { Command } from "commander";

import type { Config } from "../config.ts";
import { describeEgress, type Egress } from "../egress.ts";
import { complaint, type Exposure } from "../provider/exposure/exposure.ts";
import { lookAtExposure } from "../provider/exposure/getExposure.ts";
import type { Probe } from "../provider/exposure/probe.ts";
import { reach } from "../provider/transport/choose.ts";
import { HiveError } from "./hiveError.ts";
import { alignColumns, openOutput, type Output } from "./output.ts";
import { readConfig } from "./stackConfig.ts";

/** What `hive audit --json` prints; a stable interface. */
export interface Audit {
  readonly stack: string;
  readonly ports: readonly Exposure[];
  /** How it was looked from outside, or why not. */
  readonly probe: Probe;
  readonly egress: Readonly<Record<string, Egress>>;
  /** Whether somebody keeps the services to their egress: systemd and the firewall, on a real host. */
  readonly egressEnforced: boolean;
}

/** Exit codes: something is reached that should not be; it could not be looked. */
const [exposed, notLooked] = [1, 3];

export function addAudit(program: Command): void {
  program
    .command("audit")
    .description(
      "where the platform's ports listen, tried from outside where that can be, and who may talk out. Exit code 1: one is exposed; 3: it could not be looked",
    )
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async ({ stack, json }: { stack: string; json?: boolean }) => {
      const audit = await look(await readConfig(stack, notLooked));
      const output = openOutput();
      if (json === true) output.line(JSON.stringify(audit, null, 2));
      else for (const line of describeAudit(audit, output)) output.line(line);
      if (audit.ports.some(({ state }) => state === "exposed")) process.exitCode = exposed;
    });
}

/** @throws HiveError when the host cannot be looked at */
async function look(config: Config): Promise<Audit> {
  const { stack, connection, declared, egress, supervisor } = config;
  try {
    const { transport, close } = await reach({ ...connection }, () => undefined);
    try {
      const signal = AbortSignal.timeout(60_000);
      const answer = await lookAtExposure({ transport, signal }, { ports: declared });
      return { stack, ...answer, egress, egressEnforced: supervisor === "systemd" };
    } finally {
      close();
    }
  } catch (fault) {
    throw new HiveError(fault instanceof Error ? fault.message : String(fault), notLooked);
  }
}

export function describeAudit(audit: Audit, output: Output): string[] {
  const { ports, probe, egress, egressEnforced } = audit;
  const rows = alignColumns(ports.map((one) => [one.name, String(one.port), say(one)]));
  const marks = {
    loopback: output.green("✓"),
    open: output.green("✓"),
    exposed: output.red("✗"),
    "not running": "○",
  };
  const how =
    probe.method === "bindings only"
      ? `Bindings only, not tried from outside: ${probe.because}.`
      : `Tried ${probe.method}.`;
  const whom = egressEnforced ? "Who may talk out:" : "Who may talk out (not enforced on a trial):";
  return [
    ...ports.map(({ state }, index) => `${marks[state]} ${rows[index] ?? ""}`),
    output.dim(how),
    whom,
    ...describeEgress(egress).map((line) => `  ${line}`),
  ];
}

function say(one: Exposure): string {
  const { state, addresses, reached, containers } = one;
  switch (state) {
    case "loopback":
      return `bound to localhost (${addresses.join(", ")})`;
    case "open":
      return `open to everybody, as declared (${(addresses.length > 0 ? addresses : reached).join(", ")})`;
    case "exposed":
      return `exposed: ${complaint(one)}`;
    case "not running":
      return containers.length === 0
        ? state
        : `${state}; a container's process listens on that port in a network of its own (${containers.join(", ")})`;
  }
}
