import { heading } from "../systemd/unitFile.ts";
import type { FirewallInputs } from "../resources/firewallRuleset.ts";
import { inwardRules, outwardRules } from "./nft.ts";

export const folder = "/etc/hivematrix/firewall";
export const inwardPath = `${folder}/inward.nft`;
export const outwardPath = `${folder}/outward.nft`;

/** Loads the rules when the machine starts. */
export const loader = "hivematrix-firewall.service";

/** What is under way: gone when it is decided, and with the next start of the machine. */
export const pendingFolder = "/run/hivematrix-firewall";
/** Seconds since the machine started when rules were loaded that nobody has confirmed yet. */
export const pendingPath = `${pendingFolder}/pending`;
/** What the tables held before; loaded when nobody confirms. */
export const formerPath = `${pendingFolder}/former.nft`;
export const revert = "hivematrix-firewall-revert";

/** Before the rules, what they were made of: an import reads it. */
const madeOf = "# Made of: ";

/** What decides about the text; the rest says how it is applied. */
function shapeOf({ sshPorts, sshRate, open, egress }: FirewallInputs) {
  return { sshPorts, sshRate, open, egress };
}

export function inwardText(inputs: FirewallInputs): string {
  return `${heading}${madeOf}${JSON.stringify(sorted(shapeOf(inputs)))}\n${inwardRules(inputs)}`;
}

/** The same text whatever order the properties came in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

export function outwardText({ egress }: FirewallInputs): string {
  return `${heading}${outwardRules(egress)}`;
}

/** What a file of ours was made of; undefined when it is not one. */
export function inputsOf(text: string): Record<string, unknown> | undefined {
  const line = text.split("\n").find((one) => one.startsWith(madeOf));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(madeOf.length)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/**
 * Debian's own nftables.service empties everything when it starts or reloads, so ours comes after it
 * and follows it. Rules about users that are gone do not keep the others from being loaded.
 */
export const loaderUnit = `${heading}[Unit]
Description=Firewall of HiveMatrix
DefaultDependencies=no
After=local-fs.target nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${inwardPath}
ExecStart=-/usr/sbin/nft -f ${outwardPath}
ExecReload=/usr/sbin/nft -f ${inwardPath}
ExecReload=-/usr/sbin/nft -f ${outwardPath}

[Install]
WantedBy=sysinit.target
`;
