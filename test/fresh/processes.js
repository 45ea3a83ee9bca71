import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Linux shows times in /proc in hundredths of a second on every architecture. */
const ticks = 100;

/**
 * @typedef {object} Process
 * @property {number} pid seen from outside
 * @property {number} uid
 * @property {string} command
 * @property {string[]} listens addresses with ports
 */

/**
 * @param {number} member any process of the pid namespace asked for
 * @returns {Process[]} all of that namespace, without zombies
 */
export function processesOf(member) {
  const listening = listeners(member);
  return pidsBeside(member).flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (statistics(pid)?.state === "Z") return [];
    const uid = Number(/^Uid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
    return [
      { pid, uid, command, listens: sockets(pid).flatMap((inode) => listening.get(inode) ?? []) },
    ];
  });
}

/**
 * Every process counts once: while it lives itself, afterwards in the parent that reaped it. Those
 * started from outside are reaped by this process.
 * @param {number} member any process of the pid namespace
 * @returns {number} seconds
 */
export function cpuSeconds(member) {
  const inside = pidsBeside(member).map((pid) => {
    const { own = 0, children = 0 } = statistics(pid) ?? {};
    return own + children;
  });
  return inside.reduce((sum, used) => sum + used, 0) / ticks + reapedSeconds();
}

/** @returns {number} seconds used by the children of this process that have ended */
export function reapedSeconds() {
  return (statistics("self")?.children ?? 0) / ticks;
}

/** @param {number} member @returns {number[]} */
function pidsBeside(member) {
  const namespace = link(`/proc/${member}/ns/pid`);
  if (namespace === undefined) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && link(`/proc/${name}/ns/pid`) === namespace)
    .map(Number);
}

/**
 * @param {number | "self"} pid
 * @returns {{ state: string, own: number, children: number } | undefined} in ticks
 */
function statistics(pid) {
  const [, rest] = /\) (.*)/s.exec(read(`/proc/${pid}/stat`)) ?? [];
  if (rest === undefined) return undefined;
  const fields = rest.split(" ");
  const at = (/** @type {number} */ index) => Number(fields[index]);
  return { state: fields[0], own: at(11) + at(12), children: at(13) + at(14) };
}

/** @param {number} pid @returns {string[]} inodes */
function sockets(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${name}`) ?? "") ?? [];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return [];
  }
}

/** @param {number} member @returns {Map<string, string>} addresses by inode */
function listeners(member) {
  const found = new Map();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of read(`/proc/${member}/net/${table}`).split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === "0A") found.set(inode, address(local));
    }
  }
  return found;
}

/**
 * @param {string} hex as in /proc/net/tcp: words in the byte order of a little-endian machine
 * @returns {string}
 */
function address(hex) {
  const [host, port] = hex.split(":");
  const words = host.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
  return `${bytes.length === 4 ? bytes.join(".") : version6(bytes)}:${Number.parseInt(port, 16)}`;
}

/** @param {number[]} bytes @returns {string} */
function version6(bytes) {
  if (bytes.slice(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255") return bytes.slice(12).join(".");
  const groups = Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? [];
  const text = groups.map((group) => group.replace(/^0{1,3}/, "")).join(":");
  return `[${text.replace(/^(0:)+/, "::").replace(/^::0$/, "::")}]`;
}

/** @param {string} path @returns {string} empty when it has gone */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} path @returns {string | undefined} */
function link(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
