import type { TestHost } from "../support/container.ts";

/** A host with a neighbour outside and a container that publishes a port as Docker does. */
export interface World {
  /** What answers without a firewall: address/port. */
  readonly targets: readonly string[];
  /** Addresses of the neighbour in the networks 192.0.2.0/24 and fd12::/64. */
  readonly friends: string;
  /** As root on the host. @throws Error with what it printed. */
  sh(script: string, input?: string): Promise<string>;
  /** Which of them the neighbour reaches. @param from its addresses; default any */
  reached(targets?: readonly string[], from?: string): Promise<string[]>;
}

/** `out` is the neighbour, `box` what Docker would make, with the published port 9090. */
const script = `set -e
mount -o remount,rw /proc/sys
for i in all default lo; do echo 0 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done
ip netns add out; ip netns add box
ip link add o0 type veth peer name o1; ip link set o1 netns out
ip link add br-box type bridge; ip link add b0 type veth peer name b1; ip link set b1 netns box
ip link set b0 master br-box; ip link set b0 up
ip addr add 10.9.0.1/24 dev o0; ip -6 addr add fd09::1/64 dev o0 nodad; ip link set o0 up
ip addr add 10.8.0.1/24 dev br-box; ip link set br-box up
ip netns exec out sh -ec 'ip link set lo up; ip addr add 10.9.0.2/24 dev o1; ip addr add 192.0.2.7/32 dev o1
ip -6 addr add fd09::2/64 dev o1 nodad; ip -6 addr add fd12::7/128 dev o1 nodad; ip link set o1 up; ip route add default via 10.9.0.1'
ip route add 192.0.2.7 dev o0; ip -6 route add fd12::7 dev o0
ip netns exec box sh -ec 'ip addr add 10.8.0.2/24 dev b1; ip link set b1 up; ip route add default via 10.8.0.1'
echo 1 >/proc/sys/net/ipv4/ip_forward
nft -f - <<'END'
table ip published { chain pre { type nat hook prerouting priority -100; ip daddr 10.9.0.1 tcp dport 9090 dnat to 10.8.0.2:90; }
}
END
cat >/tmp/listen.py <<'END'
import socket, sys, time
held = []
for port in sys.argv[1:]:
    s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 0); s.setsockopt(1, 2, 1); s.bind(("::", int(port))); s.listen(64); held.append(s)
open("/run/listening-" + sys.argv[1], "w")
time.sleep(3600)
END
cat >/tmp/probe.py <<'END'
import socket, sys
from concurrent.futures import ThreadPoolExecutor
sources = [] if sys.argv[1] == "-" else sys.argv[1].split(",")
def probe(target):
    host, port = target.rsplit("/", 1)
    source = [s for s in sources if (":" in s) == (":" in host)]
    try: socket.create_connection((host, int(port)), 3, (source[0], 0) if source else None).close(); return True
    except OSError: return False
with ThreadPoolExecutor(32) as pool:
    for target, there in zip(sys.argv[2:], pool.map(probe, sys.argv[2:])):
        if there: print(target)
END
systemd-run -q --unit=listen python3 /tmp/listen.py 443 8443 5432
systemd-run -q --unit=boxed ip netns exec box python3 /tmp/listen.py 90
systemd-run -q --unit=outside ip netns exec out python3 /tmp/listen.py 77
for i in $(seq 300); do [ -e /run/listening-443 ] && [ -e /run/listening-90 ] && [ -e /run/listening-77 ] && exit; sleep 0.1; done; exit 1`;

export async function buildWorld(host: TestHost): Promise<World> {
  const sh = async (text: string, input?: string): Promise<string> => {
    const { code, stdout, stderr } = await host.exec(["sh", "-c", text], input);
    if (code !== 0)
      throw new Error(`${text.slice(0, 200)}: exit code ${String(code)}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  await sh(script);
  const own = ["10.9.0.1", "fd09::1"].flatMap((address) =>
    [22, 443, 8443, 5432].map((port) => `${address}/${String(port)}`),
  );
  // Published, and the container's own address.
  const targets = [...own, "10.9.0.1/9090", "10.8.0.2/90"];
  return {
    targets,
    friends: "192.0.2.7,fd12::7",
    sh,
    async reached(some = targets, from = "-") {
      const text = await sh(`ip netns exec out python3 /tmp/probe.py ${from} ${some.join(" ")}`);
      return text === "" ? [] : text.split("\n");
    },
  };
}
