/** A TCP socket that listens. */
export interface Socket {
  /** As text: `127.0.0.1`, `0.0.0.0`, `::`, `::1`, `::ffff:127.0.0.1`, … */
  readonly address: string;
  readonly port: number;
}

/** The sockets of one network namespace. */
export interface Network {
  /** Undefined for the machine's own; else a process in it: its number and name. */
  readonly process: string | undefined;
  readonly sockets: readonly Socket[];
}

/**
 * Prints, for a shell run by root, the tables of the machine's own network and of every other one that
 * a process is in: containers have their own.
 */
export const printTables = `echo "="
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
own=$(readlink /proc/$$/ns/net)
stat -c %N /proc/[0-9]*/ns/net 2>/dev/null |
sed -n "s|^'/proc/\\([0-9]*\\)/ns/net' -> '\\(.*\\)'$|\\1 \\2|p" | sort -u -k2,2 |
while read -r pid net; do
  [ "$net" = "$own" ] && continue
  echo "= $pid $(cat "/proc/$pid/comm" 2>/dev/null)"
  cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null
done
:`;

/** What printTables printed. */
export function parseNetworks(text: string): Network[] {
  return text
    .split(/^= ?/m)
    .slice(1)
    .map((part) => {
      const [title = "", ...lines] = part.split("\n");
      return { process: title === "" ? undefined : title, sockets: parseSockets(lines) };
    });
}

/** Whether only the machine itself reaches a server on the address (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

/** The listening sockets among lines of /proc/net/tcp and tcp6 (proc_pid_net(5)). */
export function parseSockets(lines: readonly string[]): Socket[] {
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => {
      const [address = "", port = ""] = (fields[1] ?? "").split(":");
      return { address: addressOf(address), port: parseInt(port, 16) };
    });
}

/** Addresses are 32-bit words in the machine's byte order, which is little endian. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [
    ...Buffer.from(word, "hex").reverse(),
  ]);
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  if (mapped) return `::ffff:${bytes.slice(12).join(".")}`;
  const text = Buffer.from(bytes)
    .toString("hex")
    .replace(/(.{4})(?=.)/g, "$1:");
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
