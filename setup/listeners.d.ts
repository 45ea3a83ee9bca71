/**
 * Reads a table of /proc/net/tcp or tcp6.
 * @param {string} text
 * @returns {Listener[]} the sockets in state LISTEN
 */
export function parseSockets(text: string): Listener[];
/**
 * @param {string} [proc] default /proc
 * @returns {Listener[]} those that a server of ours on loopback would collide with
 */
export function listListeners(proc?: string): Listener[];
/**
 * Which process holds a socket; only one's own processes can be looked into without root.
 * @param {ReadonlySet<string>} inodes
 * @param {string} [proc] default /proc
 * @returns {Map<string, Holder>} by inode; what could not be seen is missing
 */
export function findHolders(inodes: ReadonlySet<string>, proc?: string): Map<string, Holder>;
/**
 * @param {number} pid
 * @param {string} [proc]
 * @returns {string} short name, as ps shows it
 */
export function processName(pid: number, proc?: string): string;
/**
 * Whether a process runs out of a folder: its command line or working directory lies in it.
 * @param {number} pid
 * @param {string} folder
 * @param {string} [proc]
 * @returns {boolean}
 */
export function runsFrom(pid: number, folder: string, proc?: string): boolean;
/**
 * The first run of ten free ports: on every address, below those the kernel gives to clients.
 * @param {object} [options]
 * @param {number} [options.from] default 18000
 * @param {number} [options.below] default: the start of the ephemeral range
 * @returns {Promise<number>}
 * @throws Error when there is none
 */
export function findFreeRun({
  from,
  below,
}?: {
  from?: number | undefined;
  below?: number | undefined;
}): Promise<number>;
/**
 * Whether a server could listen on 127.0.0.1, 0.0.0.0 and ::1; tried, not looked up.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port: number): Promise<boolean>;
/**
 * A process that listens on a TCP port of this machine.
 */
export type Listener = {
  port: number;
  /**
   * as the kernel has it: 127.0.0.1, 0.0.0.0, ::, ::1
   */
  address: string;
  /**
   * of the socket
   */
  inode: string;
};
export type Holder = {
  pid: number;
  name: string;
};
