import { isIPv6, matchesOf, type Opening, type Rules } from "./rules.ts";

const chain = "HIVEMATRIX";

/** Bridges of Docker: its own and those of its networks. */
const bridges = ["docker0", "br-+"];

/**
 * The same as commands of iptables and ip6tables, for hand use. The chain is entered in the table
 * mangle at PREROUTING, before Docker translates addresses.
 */
export function iptablesScript(rules: Rules): string {
  return `#!/bin/sh
# HiveMatrix: what may be reached from outside. Gone with the next start of the machine, unless it is
# saved (iptables-persistent).
set -e
${family("iptables", rules)}${family("ip6tables", rules)}`;
}

function family(program: "iptables" | "ip6tables", { sshPorts, sshRate, open }: Rules): string {
  const six = program === "ip6tables";
  const arriving = [
    "-i lo -j RETURN",
    "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
    // With IPv6 an address of this host is of both types.
    "-m addrtype --dst-type UNICAST -m addrtype ! --dst-type LOCAL -j RETURN",
    ...(six ? icmp6 : icmp4),
    ...sshPorts.map(
      (port) =>
        `-p tcp --dport ${port} -m conntrack --ctstate NEW -m hashlimit --hashlimit-name hive-ssh${six ? "6 --hashlimit-srcmask 64" : "4"} --hashlimit-mode srcip --hashlimit-above ${sshRate}/minute --hashlimit-burst ${sshRate} -j DROP`,
    ),
    ...sshPorts.map((port) => `-p tcp --dport ${port} -j RETURN`),
    ...open.flatMap((opening) => matches(opening, six).map((match) => `${match} -j RETURN`)),
    "-j DROP",
  ];
  const passing = bridges.map(
    (bridge) =>
      `! -i ${bridge} -o ${bridge} -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP`,
  );
  return [
    ...chainOf(program, chain, "PREROUTING", arriving),
    ...chainOf(program, `${chain}-PASSING`, "FORWARD", passing),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** Until the chain is complete nothing is decided by it. */
function chainOf(program: string, name: string, hook: string, rules: readonly string[]): string[] {
  const table = `${program} -w -t mangle`;
  return [
    `${table} -N ${name} 2>/dev/null || :`,
    `${table} -D ${hook} -j ${name} 2>/dev/null || :`,
    `${table} -F ${name}`,
    ...rules.map((rule) => `${table} -A ${name} ${rule}`),
    `${table} -A ${hook} -j ${name}`,
  ];
}

const icmp4 = [
  ...[3, 11, 12].map((type) => `-p icmp --icmp-type ${type} -j RETURN`),
  "-p icmp --icmp-type 8 -m limit --limit 10/second -j RETURN",
  "-p igmp -j RETURN",
  "-p udp --sport 67 --dport 68 -j RETURN",
];

const icmp6 = [
  ...[1, 2, 3, 4, 130, 131, 134, 135, 136, 143].map(
    (type) => `-p ipv6-icmp --icmpv6-type ${type} -j RETURN`,
  ),
  "-p ipv6-icmp --icmpv6-type 128 -m limit --limit 10/second -j RETURN",
  "-s fe80::/10 -p udp --sport 547 --dport 546 -j RETURN",
];

function matches(opening: Opening, six: boolean): string[] {
  const { from } = opening;
  const own =
    from === undefined ? opening : { ...opening, from: from.filter((net) => isIPv6(net) === six) };
  return matchesOf(own, (network, protocol, port) => {
    const source = network === undefined ? "" : `-s ${network} `;
    return `${source}-p ${protocol} --dport ${port}`;
  });
}
