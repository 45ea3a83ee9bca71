import type { Command } from "commander";

import { addresses } from "../addresses.ts";
import { type ActiveAlert, describeAlert, listAlerts } from "./alert.ts";
import { alignColumns, describeSeconds, openOutput, type Output } from "./output.ts";
import { isReady } from "./readiness.ts";
import { readState, type ServiceState } from "./serviceState.ts";
import { findSupervisor } from "./supervisor.ts";
import { findTrial, listServices, type Trial } from "./trial.ts";
import { describeUnits, isRealStack, onHost, readUnits } from "./units.ts";

/** What `hive status --json` prints; a stable interface. */
export interface Status {
  readonly stack: string;
  readonly root: string;
  readonly supervisor: { readonly running: boolean; readonly pid: number | null };
  readonly services: readonly {
    readonly name: string;
    readonly state: ServiceState["state"];
    /** null: nothing is known to ask it. */
    readonly ready: boolean | null;
    readonly pid: number | null;
    readonly seconds: number | null;
  }[];
  readonly urls: Readonly<Record<string, string>>;
  /** Raised now; null: the logger's database does not tell. */
  readonly alerts: readonly ActiveAlert[] | null;
}

/** Exit code of a status that is not all well; 3 as systemctl has it. */
const notWell = 3;

export function addStatus(program: Command): void {
  program
    .command("status")
    .description(
      "services of the trial: running, ready, since when; and alerts; exit code 3 if one is not well",
    )
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async ({ stack, json }: { stack: string; json?: boolean }) => {
      const output = openOutput();
      if (isRealStack(stack)) {
        const units = await onHost(stack, readUnits);
        if (json === true) output.line(JSON.stringify({ stack, services: units }, null, 2));
        else for (const line of describeUnits(units, output)) output.line(line);
        const well = units.length > 0 && units.every(({ state }) => state === "active");
        if (!well) process.exitCode = notWell;
        return;
      }
      const status = await readStatus(findTrial(stack));
      if (json === true) output.line(JSON.stringify(status, null, 2));
      else for (const line of describeStatus(status, output)) output.line(line);
      if (!isWell(status)) process.exitCode = notWell;
    });
}

export async function readStatus(trial: Trial): Promise<Status> {
  const pid = findSupervisor(trial);
  const names = listServices(trial);
  const services = names.map(async (name) => {
    const found = readState(trial, name);
    const ready = found.state === "run" ? await isReady(trial, name) : false;
    return {
      name,
      state: found.state,
      ready: ready ?? null,
      pid: found.pid ?? null,
      seconds: found.seconds ?? null,
    };
  });
  return {
    stack: trial.stack,
    root: trial.root,
    supervisor: { running: pid !== undefined, pid: pid ?? null },
    services: await Promise.all(services),
    urls: listUrls(trial, names),
    alerts: (await listAlerts(trial).catch(() => undefined)) ?? null,
  };
}

export function isWell({ supervisor, services, alerts }: Status): boolean {
  // How the services are was looked at just now; an alert about one is slower to clear.
  const alerted = (alerts ?? []).some(({ rule }) => rule !== "service");
  const well = services.every(({ state, ready }) => state === "run" && ready !== false);
  return supervisor.running && services.length > 0 && well && !alerted;
}

export function describeStatus(status: Status, output: Output): string[] {
  const { supervisor, services, urls, alerts } = status;
  const rows = alignColumns(
    services.map(({ name, state, ready, pid, seconds }) => [
      name,
      state === "run" && ready === false ? "starting" : words[state],
      pid === null ? "" : `pid ${pid}`,
      seconds === null ? "" : describeSeconds(seconds),
      urls[name] ?? "",
    ]),
  );
  return [
    supervisor.running
      ? output.dim(`supervisor running (pid ${supervisor.pid ?? "?"})`)
      : output.red("supervisor not running: npx hive start"),
    ...rows.map((row, index) => {
      const service = services[index];
      const well = service?.state === "run" && service.ready !== false;
      return `${well ? output.green("✓") : output.red("✗")} ${row}`;
    }),
    ...(services.length === 0 ? ["No services yet: npm run up"] : []),
    ...(alerts ?? []).map((alert) => output.red(`! ${describeAlert(alert)}`)),
  ];
}

const words: Readonly<Record<ServiceState["state"], string>> = {
  run: "running",
  down: "stopped",
  finish: "ending",
  unsupervised: "not supervised",
};

function listUrls({ ports }: Trial, names: readonly string[]): Record<string, string> {
  const { gateway, core, logger } = addresses(ports);
  const all: Record<string, string> = {
    nexus: gateway,
    core,
    helm: logger,
    keycloak: `http://127.0.0.1:${ports.keycloak}/admin/`,
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
