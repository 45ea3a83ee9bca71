import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

/**
 * A process that listens on a TCP port of this machine.
 * @typedef {object} Listener
 * @property {number} port
 * @property {string} address as the kernel has it: 127.0.0.1, 0.0.0.0, ::, ::1
 * @property {string} inode of the socket
 */

/**
 * @typedef {object} Holder
 * @property {number} pid
 * @property {string} name
 */

/** Addresses that stand in the way of a server on 127.0.0.1 or ::1. */
const inTheWay = new Set(["127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"]);

/**
 * Reads a table of /proc/net/tcp or tcp6.
 * @param {string} text
 * @returns {Listener[]} the sockets in state LISTEN
 */
export function parseSockets(text) {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => {
      const [address, port] = fields[1].split(":");
      return { address: readAddress(address), port: parseInt(port, 16), inode: fields[9] };
    });
}

/**
 * The kernel prints addresses as 32-bit words in the machine's byte order (little endian here).
 * @param {string} hex
 * @returns {string}
 */
function readAddress(hex) {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    [...Buffer.from(word, "hex")].reverse(),
  );
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.every((byte) => byte === 0)) return "::";
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return "::1";
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255) {
    return `::ffff:${bytes.slice(12).join(".")}`;
  }
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/(.{4})(?=.)/g, "$1:");
}

/**
 * @param {string} [proc] default /proc
 * @returns {Listener[]} those that a server of ours on loopback would collide with
 */
export function listListeners(proc = "/proc") {
  return ["net/tcp", "net/tcp6"]
    .flatMap((table) => {
      try {
        return parseSockets(readFileSync(join(proc, table), "utf8"));
      } catch {
        return []; // no IPv6
      }
    })
    .filter(({ address }) => inTheWay.has(address));
}

/**
 * Which process holds a socket; only one's own processes can be looked into without root.
 * @param {ReadonlySet<string>} inodes
 * @param {string} [proc] default /proc
 * @returns {Map<string, Holder>} by inode; what could not be seen is missing
 */
export function findHolders(inodes, proc = "/proc") {
  const holders = new Map();
  for (const entry of readdirSync(proc)) {
    if (!/^\d+$/.test(entry)) continue;
    for (const link of readLinks(join(proc, entry, "fd"))) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode === undefined || !inodes.has(inode) || holders.has(inode)) continue;
      holders.set(inode, { pid: Number(entry), name: processName(Number(entry), proc) });
    }
  }
  return holders;
}

/**
 * @param {number} pid
 * @param {string} [proc]
 * @returns {string} short name of its program; Node calls its main thread otherwise
 */
export function processName(pid, proc = "/proc") {
  try {
    const comm = readFileSync(join(proc, String(pid), "comm"), "utf8").trim();
    const [program = ""] = readFileSync(join(proc, String(pid), "cmdline"), "utf8").split("\0");
    return comm === "MainThread" ? (program.split("/").at(-1) ?? comm) : comm;
  } catch {
    return "ended";
  }
}

/**
 * Whether a process runs out of a folder: its command line or working directory lies in it.
 * @param {number} pid
 * @param {string} folder
 * @param {string} [proc]
 * @returns {boolean}
 */
export function runsFrom(pid, folder, proc = "/proc") {
  const inside = (/** @type {string} */ text) => text.includes(`${folder}/`) || text === folder;
  try {
    if (inside(readFileSync(join(proc, String(pid), "cmdline"), "utf8"))) return true;
    return inside(readlinkSync(join(proc, String(pid), "cwd")));
  } catch {
    return false;
  }
}

/**
 * @param {string} folder
 * @returns {string[]} targets of its links; none when it may not be read
 */
function readLinks(folder) {
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(join(folder, name))];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Ports of a run: seven are used, the rest is for what comes later. */
const runLength = 10;

/**
 * The first run of ten free ports: on every address, below those the kernel gives to clients.
 * @param {object} [options]
 * @param {number} [options.from] default 18000
 * @param {number} [options.below] default: the start of the ephemeral range
 * @returns {Promise<number>}
 * @throws Error when there is none
 */
export async function findFreeRun({ from = 18000, below = firstEphemeralPort() } = {}) {
  for (let base = from; base + runLength <= below; base += runLength) {
    const numbers = Array.from({ length: runLength }, (_, offset) => base + offset);
    const free = await Promise.all(numbers.map((port) => isFree(port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`No ${runLength} free ports in a row between ${from} and ${below}.`);
}

/**
 * Whether a server could listen on 127.0.0.1, 0.0.0.0 and ::1; tried, not looked up.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function isFree(port) {
  for (const address of ["127.0.0.1", "0.0.0.0", "::1"]) {
    if (!(await canListen(address, port))) return false;
  }
  return true;
}

/**
 * @param {string} address
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function canListen(address, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      // A machine without IPv6 has nobody on ::1.
      resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT");
    });
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

/** @returns {number} */
function firstEphemeralPort() {
  try {
    const text = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    return Number(text.trim().split(/\s+/)[0]);
  } catch {
    return 32768;
  }
}
