import { open } from "node:fs/promises";
import { endianness } from "node:os";

/** Both ends of a connection, as the side that accepted it sees them. */
export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** What the kernel's table says of the other end of a connection. */
export type SocketEntry = { readonly state: string; readonly uid: number } | "ambiguous";

/** Bytes of the table read at a time; the kernel gives a page at most, we ask for more. */
const chunkSize = 65_536;

/** ESTABLISHED (include/net/tcp_states.h). */
export const established = "01";

/**
 * Looks the other ends of connections up in `/proc/self/net/tcp` and `tcp6` (proc_pid_net(5)): the
 * entry whose addresses mirror ours. Read in pieces by the thread pool, as a table of thousands of
 * sockets takes the kernel milliseconds.
 * @returns for each connection its entry; undefined: there is none
 */
export async function lookUp(
  connections: readonly Connection[],
  tables: readonly string[] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"],
): Promise<(SocketEntry | undefined)[]> {
  const wanted = new Map<string, number[]>();
  connections.forEach((connection, index) => {
    for (const key of keysOf(connection)) wanted.set(key, [...(wanted.get(key) ?? []), index]);
  });
  const found: (SocketEntry | undefined)[] = connections.map(() => undefined);
  for (const table of tables) {
    await readLines(table, (line) => {
      const indexes = wanted.get(keyIn(line));
      if (indexes === undefined) return;
      const entry = parse(line);
      for (const index of indexes) {
        found[index] = found[index] === undefined ? entry : "ambiguous";
      }
    });
  }
  return found;
}

/** Both addresses of a line: `sl: local_address rem_address st …` */
function keyIn(line: string): string {
  const start = line.indexOf(": ") + 2;
  return line.slice(start, line.indexOf(" ", line.indexOf(" ", start) + 1));
}

/** `sl: local_address rem_address st tx:rx tr:when retrnsmt uid …` */
const linePattern = /^ *\d+: \S+ \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) /;

function parse(line: string): SocketEntry {
  const [, state, uid] = linePattern.exec(line) ?? [];
  return state === undefined ? "ambiguous" : { state, uid: Number(uid) };
}

/** How the client's own entry can begin: an IPv6 socket may talk IPv4 (RFC 4291, 2.5.5.2). */
function keysOf({ remoteAddress, remotePort, localAddress, localPort }: Connection): string[] {
  const [client, server] = [bytesOf(remoteAddress), bytesOf(localAddress)];
  if (client === undefined || server === undefined) return [];
  const key = (from: readonly number[], to: readonly number[]): string =>
    `${hex(from)}:${port(remotePort)} ${hex(to)}:${port(localPort)}`;
  if (client.length === 16) return [key(client, server)];
  return [key(client, server), key(mapped(client), mapped(server))];
}

const prefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function mapped(bytes: readonly number[]): number[] {
  return [...prefix, ...bytes];
}

/** 4 or 16 bytes in network order; a mapped address is the IPv4 address in it. */
function bytesOf(address: string): number[] | undefined {
  const plain = address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  if (/^\d+(\.\d+){3}$/.test(plain)) return plain.split(".").map(Number);
  const [head = "", tail] = plain.split("::");
  const words = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [first, last] = [words(head), words(tail ?? "")];
  const gap = tail === undefined ? [] : Array<string>(8 - first.length - last.length).fill("0");
  const all = [...first, ...gap, ...last].map((word) => parseInt(word, 16));
  if (all.length !== 8 || all.some(Number.isNaN)) return undefined;
  return all.flatMap((word) => [word >> 8, word & 255]);
}

/** The kernel prints each 32 bits as a number of this machine. */
function hex(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes);
  if (endianness() === "LE") buffer.swap32();
  return buffer.toString("hex").toUpperCase();
}

function port(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, "0");
}

async function readLines(path: string, use: (line: string) => void): Promise<void> {
  let file;
  try {
    file = await open(path);
  } catch (fault) {
    // Without IPv6 there is no tcp6.
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return;
    throw fault;
  }
  try {
    const buffer = Buffer.alloc(chunkSize);
    let rest = "";
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
      if (bytesRead === 0) break;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(use);
    }
    use(rest);
  } finally {
    await file.close();
  }
}
