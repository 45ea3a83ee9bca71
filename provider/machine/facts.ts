import { Fault } from "../fault.ts";
import { type Context, succeeded } from "../resource.ts";

export interface Facts {
  readonly system: string;
  readonly id: string;
  readonly version: string;
  readonly codename: string;
  readonly architecture: string;
  readonly systemd: number;
  readonly cores: number;
  readonly memory: number;
  readonly tested: boolean;
  readonly timeDaemon: string;
}

/** Systems that our tests run on; any other is at one's own risk. */
const tested = ["debian 12", "debian 13"];

/** Oldest systemd whose sandbox directives are ours. */
const oldestSystemd = 252;

/** Everything in one round trip; each part begins with a line that no part has itself. */
const script = `
cat /etc/os-release 2>/dev/null; echo @dpkg; dpkg --print-architecture 2>/dev/null
echo @systemd; [ -d /run/systemd/system ] && systemctl --version 2>/dev/null | head -n 1
echo @cores; nproc; echo @memory; sed -n 's/^MemTotal: *//p' /proc/meminfo
echo @time; dpkg-query -W -f '\${db:Status-Status} \${Package} \${Provides}\\n' 2>/dev/null |
  sed -n 's/^installed \\([^ ]*\\) .*time-daemon.*/\\1/p'
`;

/** @throws Fault when the system cannot work: no Debian packages, no systemd, too old a one. */
export async function factsOf({ transport, signal }: Context): Promise<Facts> {
  const result = await transport.run(["sh", "-c", script], { signal });
  const facts = parseFacts(succeeded(result, "Looking at the system"));
  const fault = refusal(facts);
  if (fault !== undefined) throw new Fault(fault);
  return facts;
}

/** @param text what the script prints */
export function parseFacts(text: string): Facts {
  const [release = "", architecture = "", systemd = "", cores = "", memory = "", time = ""] =
    text.split(/^@\w+\n/m);
  const value = (key: string): string =>
    new RegExp(`^${key}="?([^"\\n]*)"?$`, "m").exec(release)?.[1] ?? "";
  const [id, version] = [value("ID"), value("VERSION_ID")];
  return {
    system: value("PRETTY_NAME") || id || "an unknown system",
    id,
    version,
    codename: value("VERSION_CODENAME"),
    architecture: architecture.trim(),
    systemd: Number(/^systemd (\d+)/.exec(systemd)?.[1] ?? 0),
    cores: Number(cores.trim()),
    memory: Math.round(parseInt(memory, 10) / 1024),
    tested: tested.includes(`${id} ${version}`),
    timeDaemon: time.trim().split("\n")[0] ?? "",
  };
}

/** Why nothing of ours can work there; undefined when it can. */
export function refusal({ system, architecture, systemd }: Facts): string | undefined {
  const needs = "use Debian 12 or 13";
  if (architecture === "") return `${system} has no Debian packages (dpkg); ${needs}.`;
  if (systemd === 0) return `${system} is not run by systemd; ${needs}.`;
  if (systemd < oldestSystemd) {
    return `${system} has systemd ${systemd}, older than ${oldestSystemd}; ${needs}.`;
  }
  return undefined;
}

/** One sentence about a system that may work; undefined when our tests run on it. */
export function untested({ system, tested: known }: Facts): string | undefined {
  return known ? undefined : `${system} is untested: supported are Debian 12 and 13.`;
}
