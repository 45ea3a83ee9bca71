import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";

/** Debian's package of pasta, part of the clean system. */
export const networkPackage = "passt";

/** What a machine of its own network needs of this host. */
export const ownNetworkPossible = existsSync("/dev/net/tun");

/** Where the machine shows its network namespace (machine.js). */
const namespaceFile = "/run/fresh-network";

/** Seconds pasta may take to connect. */
const limit = 10;

/**
 * Connects a machine to the world, not to this host: it has a loopback of its own, so that what
 * runs here (perhaps another trial) can neither take its ports nor be taken for its services.
 * pasta translates in user space: no bridge, no firewall rule and no forwarding on this host. It
 * comes from the machine's own Debian, since the host need not have it, but runs outside.
 * @param {number} member a process of the machine
 * @param {readonly number[]} ports of this host's loopback that the machine may use: its proxies
 * @returns {Promise<import("node:child_process").ChildProcess>} ends with the machine
 * @throws Error when it does not connect
 */
export async function connect(member, ports) {
  const forwarded = ports.length > 0 ? ports.join(",") : "none";
  const pasta = [
    ...["setpriv", "--pdeathsig", "KILL", "pasta", "--foreground", "--stderr", "--quiet"],
    // It gives root up otherwise, and with it the way into the namespace.
    ...["--runas", "0", "--config-net", "--netns", namespaceFile],
    ...["-t", "none", "-u", "none", "-U", "none", "-T", forwarded],
  ];
  // In the machine's files, but with a /proc of its own: it is no process of the machine.
  const there = ["--target", String(member), "--mount", "--", "unshare", "--mount"];
  const line = 'mount -t proc proc /proc && exec "$0" "$@"';
  const child = spawn("nsenter", [...there, "sh", "-c", line, ...pasta], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const deadline = Date.now() + limit * 1000;
  while (!hasRoute(member)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`pasta does not connect the machine: ${said.trim()}`);
    }
    await Promise.race([once(child, "exit"), new Promise((next) => setTimeout(next, 20))]);
  }
  return child;
}

/** @param {number} member @returns {boolean} by IPv4 or IPv6 */
function hasRoute(member) {
  const table = (/** @type {string} */ name) =>
    readFileSync(`/proc/${member}/net/${name}`, "utf8").split("\n");
  return (
    table("route").some((line) => /^(?!lo\s)\S+\s+00000000\s/.test(line)) ||
    table("ipv6_route").some((line) => /^0{32} 00 (?!.*\slo$)/.test(line))
  );
}

/**
 * The resolver of the machine: systemd's stub on this host's loopback is out of its reach.
 * @returns {string} text for /etc/resolv.conf
 */
export function resolverSettings() {
  const files = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].filter(existsSync);
  const texts = files.map((path) => readFileSync(path, "utf8"));
  const onLoopback = (/** @type {string} */ text) => /^nameserver\s+(127\.|::1)/m.test(text);
  return texts.find((text) => !ownNetworkPossible || !onLoopback(text)) ?? texts[0] ?? "";
}

/**
 * @param {readonly string[]} texts settings of package clients
 * @returns {number[]} ports of proxies and mirrors on this host's loopback
 */
export function loopbackPorts(texts) {
  const address = /(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)/g;
  const ports = texts.flatMap((text) =>
    [...text.matchAll(address)].map(([, port]) => Number(port)),
  );
  return [...new Set(ports)];
}
