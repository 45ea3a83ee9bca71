import { execFile } from "node:child_process";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Transport } from "../transport/transport.ts";
import type { Reached } from "./exposure.ts";
import { isLoopback } from "./sockets.ts";

/** How it was looked from outside; why not. */
export type Probe =
  | { readonly method: "from this machine" | "from another network"; readonly reached: Reached[] }
  | { readonly method: "bindings only"; readonly because: string };

const run = promisify(execFile);
const program = join(import.meta.dirname, "connect.js");

/**
 * Tries ports from outside: those of a host by SSH from here, those of this machine from a network
 * namespace that lives as long as the attempt. Changes nothing that stays.
 */
export async function probe(
  transport: Transport,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<Probe> {
  const { address } = transport;
  if (address !== undefined) {
    // A forward of the user's own leads there; what answers here is something else.
    if (isLoopback(address) || address === "localhost") {
      return {
        method: "bindings only",
        because: "the host is reached by an address of this machine",
      };
    }
    const targets = JSON.stringify(ports.map((port) => ({ address, port })));
    const { stdout } = await run(process.execPath, [program, targets], { signal });
    return { method: "from this machine", reached: JSON.parse(stdout) as Reached[] };
  }
  if (transport.user !== "root") {
    return { method: "bindings only", because: "only root can make another network to look from" };
  }
  return fromNamespace(transport, ports, signal);
}

/**
 * Numbers of this process make the addresses: two that look at a time do not meet. 198.18.0.0/15 and
 * fd00::/8 are on no network that anybody reaches (RFC 2544, RFC 4193).
 */
const script = `set -e
name=hive-probe-$1 number=$(($1 % 16384))
net=198.18.$((number / 64)).$((number % 64 * 4)) six=fdc0:$(printf %x $number):4856:1
net4() { echo "\${net%.*}.$((\${net##*.} + $1))"; }
trap 'ip netns del "$name" 2>/dev/null; ip link del "hp$1a" 2>/dev/null || :' EXIT
ip netns add "$name"
ip link add "hp$1a" type veth peer name "hp$1b" netns "$name"
ip addr add "$(net4 1)/30" dev "hp$1a"
ip link set "hp$1a" up
ip -n "$name" addr add "$(net4 2)/30" dev "hp$1b"
ip -n "$name" link set "hp$1b" up
ip -n "$name" route add default via "$(net4 1)"
if ip -6 addr add "$six::1/64" dev "hp$1a" nodad 2>/dev/null; then
  ip -n "$name" -6 addr add "$six::2/64" dev "hp$1b" nodad
  ip -n "$name" -6 route add default via "$six::1"
fi
node=$2 program=$3 ports=$4
targets=$(ip -o addr show scope global | sed -n 's|.* inet6* \\([^/ ]*\\).*|\\1|p' | sort -u)
json=
for address in $targets; do
  for port in $ports; do json="$json\${json:+,}{\\"address\\":\\"$address\\",\\"port\\":$port}"; done
done
ip netns exec "$name" "$node" "$program" "[$json]"`;

async function fromNamespace(
  transport: Transport,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<Probe> {
  const { code, stdout, stderr } = await transport.run(
    ["sh", "-c", script, "sh", String(process.pid), process.execPath, program, ports.join(" ")],
    { signal, timeout: 30 },
  );
  if (code !== 0) {
    const reason = stderr.trim().split("\n").at(-1) ?? `exit code ${code}`;
    return { method: "bindings only", because: `no other network to look from: ${reason}` };
  }
  const reached = (JSON.parse(stdout) as Reached[]).filter(({ address }) => isIP(address) !== 0);
  return { method: "from another network", reached };
}
