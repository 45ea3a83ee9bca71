import { dirname } from "node:path";

import { z } from "zod";

import type { Transport } from "../../provider/transport/transport.ts";
import type { Finding } from "./findings.ts";

/** What a system recorded about a change. */
export interface Evidence {
  /** ISO 8601. */
  readonly when: string;
  /** Undefined where the record does not say. */
  readonly who?: string | undefined;
  /** Where it is recorded, and what it says. */
  readonly source: string;
}

/** Most records of one finding: the last ones. */
const most = 3;

/** What the host recorded about a finding. Nothing is no fault: not every change is recorded. */
export async function hostEvidence(transport: Transport, finding: Finding): Promise<Evidence[]> {
  const looks = [sudoCommands, byType[finding.type]].filter((look) => look !== undefined);
  const found = await Promise.all(
    looks.map((look) => look(transport, finding).catch((): Evidence[] => [])),
  );
  return found
    .flat()
    .toSorted((one, two) => (one.when < two.when ? 1 : -1))
    .slice(0, most);
}

type Look = (transport: Transport, finding: Finding) => Promise<Evidence[]>;

const byType: Readonly<Record<string, Look>> = {
  "host:index:File": fileTimes,
  "host:index:Directory": fileTimes,
  "host:index:Release": fileTimes,
  "host:index:Archive": fileTimes,
  "host:index:Package": aptHistory,
  "host:index:User": accountTools,
  "host:index:Unit": unitRecords,
  "host:index:Timer": unitRecords,
  "host:index:Service": serviceRecords,
};

/** The time a file's content, mode or owner was changed last (ctime); for a lost one, its folder's. */
async function fileTimes(transport: Transport, { id, property }: Finding): Promise<Evidence[]> {
  const path = property === null ? dirname(id) : id;
  const { stdout, code } = await transport.run(["stat", "--format=%Z %U", "--", path]);
  const [seconds = "", owner = ""] = stdout.trim().split(" ");
  if (code !== 0 || seconds === "") return [];
  const when = isoOf(Number(seconds) * 1000);
  return property === null
    ? [{ when, source: `${path}: something in it was changed last` }]
    : [{ when, source: `${path}: changed last; belongs to ${owner}` }];
}

/** Who installed and removed what (apt's history.log); dpkg's own log knows the rest, but not who. */
async function aptHistory(transport: Transport, finding: Finding): Promise<Evidence[]> {
  const names = lost(finding.expected, finding.found);
  const [history, log] = await Promise.all(
    ["/var/log/apt/history.log", "/var/log/dpkg.log"].map(
      async (path) => (await transport.read(path))?.toString("utf8") ?? "",
    ),
  );
  const zone = (await transport.run(["date", "+%z"])).stdout.trim();
  const removed = (history ?? "")
    .split("\n\n")
    .filter((block) =>
      names.some((name) => new RegExp(`^(Remove|Purge): .*\\b${literal(name)}:`, "m").test(block)),
    );
  const records = removed.flatMap((block) => {
    const at = /^Start-Date: (\S+) +(\S+)/m.exec(block);
    const command = /^Commandline: (.*)$/m.exec(block)?.[1];
    const who = /^Requested-By: (\S+)/m.exec(block)?.[1] ?? "root";
    if (at === null) return [];
    const when = isoOf(Date.parse(`${at[1] ?? ""}T${at[2] ?? ""}${zone}`));
    return [{ when, who, source: `apt: ${command ?? "removed"}` }];
  });
  if (records.length > 0) return records;
  return (log ?? "").split("\n").flatMap((line) => {
    const [, at, time, name] = /^(\S+) (\S+) remove (\S+?):/.exec(line) ?? [];
    if (at === undefined || time === undefined || !names.includes(name ?? "")) return [];
    return [
      { when: isoOf(Date.parse(`${at}T${time}${zone}`)), source: `dpkg: ${name ?? ""} removed` },
    ];
  });
}

/** Names that are expected and not found, of lists or of maps. */
function lost(expected: unknown, found: unknown): string[] {
  const names = namesOf(expected);
  const there = new Set(namesOf(found));
  return names.filter((name) => !there.has(name));
}

function namesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === "string");
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

/** What userdel and usermod wrote into the journal. */
async function accountTools(transport: Transport, { id }: Finding): Promise<Evidence[]> {
  const lines = await journal(transport, ["_COMM=userdel", "_COMM=usermod", "_COMM=useradd"]);
  return lines
    .filter(({ text }) => text.includes(`'${id}'`))
    .map(({ when, text, who }) => ({ when, who, source: `journal: ${text}` }));
}

/** What systemd wrote about a unit, and when its file was changed. */
async function unitRecords(transport: Transport, finding: Finding): Promise<Evidence[]> {
  const unit = `${finding.id}.${finding.type.endsWith("Timer") ? "timer" : "service"}`;
  const path = `/etc/systemd/system/${unit}`;
  const [said, times, others] = await Promise.all([
    journal(transport, [`UNIT=${unit}`]),
    finding.property === "unit" || finding.property === null
      ? fileTimes(transport, { ...finding, id: path })
      : [],
    finding.property === "running" ? listeners(transport, finding, unit) : [],
  ]);
  const last = said.at(-1);
  return [
    ...(last === undefined ? [] : [{ when: last.when, source: `journal: ${last.text}` }]),
    ...times,
    ...others,
  ];
}

/** Whoever else listens on a port that the unit's checks ask (ss(8)). */
async function listeners(
  transport: Transport,
  { recorded }: Finding,
  unit: string,
): Promise<Evidence[]> {
  const found = portsOf(recorded.inputs?.["ready"]).map(async (port) => {
    const { stdout } = await transport.run(["ss", "-Hltnp", `sport = :${port}`]);
    const [, program = "", pid = ""] = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout) ?? [];
    if (pid === "") return [];
    const [group, since] = await Promise.all([
      transport.read(`/proc/${pid}/cgroup`),
      transport.run(["stat", "--format=%Y", "--", `/proc/${pid}`]),
    ]);
    const owner = /\/([^/\n]+\.(?:service|scope))$/m.exec(group?.toString("utf8") ?? "")?.[1];
    if (owner === unit) return [];
    const when = isoOf(Number(since.stdout.trim()) * 1000);
    const of = owner === undefined ? `process ${pid}` : owner;
    return [{ when, source: `port ${port} is taken by ${program}, of ${of}` }];
  });
  return (await Promise.all(found)).flat();
}

const checksSchema = z.array(
  z.looseObject({
    tcp: z.looseObject({ port: z.number() }).optional(),
    http: z.looseObject({ url: z.string() }).optional(),
  }),
);

/** TCP ports that a service's checks ask. */
function portsOf(ready: unknown): number[] {
  return (checksSchema.safeParse(ready).data ?? []).flatMap(({ tcp, http }) => {
    if (tcp !== undefined) return [tcp.port];
    if (http === undefined) return [];
    const { port, protocol } = new URL(http.url);
    return [Number(port || (protocol === "https:" ? 443 : 80))];
  });
}

/** When runit saw the process change last. */
async function serviceRecords(transport: Transport, { recorded }: Finding): Promise<Evidence[]> {
  const state = recorded.inputs?.["state"];
  if (typeof state !== "string") return [];
  const path = `${state}/supervise/status`;
  const { stdout, code } = await transport.run(["stat", "--format=%Y", "--", path]);
  if (code !== 0) return [];
  return [{ when: isoOf(Number(stdout.trim()) * 1000), source: "runit: its state changed last" }];
}

/** Commands given by sudo that name the thing: the one record that says who. */
async function sudoCommands(transport: Transport, finding: Finding): Promise<Evidence[]> {
  const words = [finding.id, ...lost(finding.expected, finding.found)].filter(
    (word) => word.length > 2 && word !== "true",
  );
  const lines = await journal(transport, ["_COMM=sudo"]);
  return lines.flatMap(({ when, text }) => {
    const [, who, command] = /^\s*(\S+) : .*COMMAND=(.*)$/.exec(text) ?? [];
    if (who === undefined || command === undefined || Date.parse(when) < Date.parse(finding.since))
      return [];
    if (!words.some((word) => command.includes(word))) return [];
    // It may hold a password of somebody's.
    return [{ when, who, source: `sudo: ${command.split(" ").slice(0, 4).join(" ")}` }];
  });
}

interface Line {
  readonly when: string;
  readonly text: string;
  readonly who: string | undefined;
}

/** The last lines of the journal that match; none without a journal. */
async function journal(transport: Transport, matches: readonly string[]): Promise<Line[]> {
  const argv = ["journalctl", "--quiet", "--no-pager", "--output=json", "--lines=200", ...matches];
  const { code, stdout } = await transport.run(argv, { timeout: 20 });
  if (code !== 0) return [];
  return stdout.split("\n").flatMap((line) => {
    if (line === "") return [];
    const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const [micros, text, loginUser] = [
      entry["__REALTIME_TIMESTAMP"],
      entry["MESSAGE"],
      entry["_AUDIT_LOGINUID"],
    ];
    if (typeof micros !== "string" || typeof text !== "string") return [];
    const known = typeof loginUser === "string" && loginUser !== "4294967295";
    return [
      {
        when: isoOf(Number(micros) / 1000),
        text,
        who: known ? `user number ${loginUser}` : undefined,
      },
    ];
  });
}

function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
