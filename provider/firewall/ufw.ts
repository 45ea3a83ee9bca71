import { matchesOf, type Rules } from "./rules.ts";

/** The same as commands of ufw, for hand use. ufw itself lets ICMP's and IPv6's necessary parts in. */
export function ufwScript({ sshPorts, open }: Rules): string {
  const allowed = open.flatMap((opening) =>
    matchesOf(opening, (network, protocol, port) =>
      network === undefined
        ? `ufw allow ${port}/${protocol}`
        : `ufw allow proto ${protocol} from ${network} to any port ${port}`,
    ),
  );
  return `#!/bin/sh
# HiveMatrix: what may be reached from outside. Rules that ufw has already stay.
# ufw decides at the hook input: ports that Docker publishes pass it by. \`--format nft\` holds them.
set -e
ufw default deny incoming
ufw default allow outgoing
# At most six new connections in 30 seconds from one address (ufw(8)).
${sshPorts.map((port) => `ufw limit ${port}/tcp\n`).join("")}${allowed.map((line) => `${line}\n`).join("")}ufw --force enable
`;
}
