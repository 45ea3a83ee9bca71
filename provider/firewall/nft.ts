import { isIPv6, matchesOf, type Outward, type Rules } from "./rules.ts";

/** The tables of ours; every other one is left alone. */
export const inwardTable = "inet hivematrix";
export const outwardTable = "inet hivematrix_egress";

/**
 * The table that decides who gets in, as one transaction for `nft -f`: there is no moment without
 * rules.
 *
 * `arriving` decides on all that is sent to an address of this host, after connections are tracked
 * (-200) and before anybody translates addresses (-100): Docker turns a published port into a
 * forwarded packet there, which a chain at the hook input never sees. `passing` refuses who sends to a
 * container's own address instead; what Docker translated was decided on before.
 */
export function inwardRules({ sshPorts, sshRate, open }: Rules): string {
  const openings = open.flatMap((opening) =>
    matchesOf(
      opening,
      (network, protocol, port) => `${sourceOf(network)}${protocol} dport ${port}`,
    ),
  );
  const ssh = sshPorts.length === 1 ? sshPorts.join() : `{ ${sshPorts.join(", ")} }`;
  const rate = `limit rate over ${sshRate}/minute burst ${sshRate} packets`;
  return table(
    inwardTable,
    `  set ssh4 { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1m; }
  set ssh6 { type ipv6_addr; size 65535; flags dynamic,timeout; timeout 1m; }
  chain arriving {
    type filter hook prerouting priority -110; policy accept;
    iifname "lo" accept
    ct state established,related accept
    fib daddr type unicast accept
    ct state invalid drop
    icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
    icmp type echo-request limit rate 10/second accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
    icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } accept
    icmpv6 type echo-request limit rate 10/second accept
    meta l4proto igmp accept
    udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
    tcp dport ${ssh} ct state new add @ssh4 { ip saddr ${rate} } drop
    tcp dport ${ssh} ct state new add @ssh6 { ip6 saddr and ffff:ffff:ffff:ffff:: ${rate} } drop
    tcp dport ${ssh} accept
${lines(openings.map((match) => `${match} accept`))}    counter drop
  }
  chain passing {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    ct status dnat accept
    meta oifkind "bridge" meta iifkind != "bridge" counter drop
  }
`,
  );
}

/**
 * The table that says and refuses when a service's processes talk with somebody they may not. systemd
 * refuses the same (IPAddressDeny) without a word, after this hook.
 */
export function outwardRules(services: readonly Outward[]): string {
  const rules = services
    .filter(({ networks }) => !networks.includes("any"))
    .flatMap(({ name, user, networks }) => [
      ...networks.map(
        (network) =>
          `meta skuid "${user}" ${isIPv6(network) ? "ip6" : "ip"} daddr ${network} accept`,
      ),
      `meta skuid "${user}" limit rate 6/minute burst 10 packets log prefix "hivematrix: ${name} may not talk with: "`,
      `meta skuid "${user}" reject with icmpx admin-prohibited`,
    ]);
  return table(
    outwardTable,
    `  chain leaving {
    type filter hook output priority 0; policy accept;
    oifname "lo" accept
    ct state established,related accept
${lines(rules)}  }
`,
  );
}

/** Nothing of ours. */
export const noRules = [inwardTable, outwardTable]
  .map((name) => `table ${name}\ndelete table ${name}\n`)
  .join("");

/** The first two lines make that there is no former one, whether or not there was. */
function table(name: string, body: string): string {
  return `table ${name}\ndelete table ${name}\ntable ${name} {\n${body}}\n`;
}

function lines(rules: readonly string[]): string {
  return rules.map((rule) => `    ${rule}\n`).join("");
}

function sourceOf(network: string | undefined): string {
  if (network === undefined) return "";
  return `${isIPv6(network) ? "ip6" : "ip"} saddr ${network} `;
}
