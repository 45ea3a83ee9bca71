import { constants } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** One file of a service's log folder. */
export interface LogFile {
  readonly path: string;
  readonly name: string;
  readonly inode: string;
  readonly size: number;
  /** Whether svlogd still writes to it; the last line may be half. */
  readonly current: boolean;
}

/** Bytes that tell a file from a later one with the same inode. */
export const headLength = 64;

/**
 * The files of a folder that svlogd writes, oldest first: those put aside (`@<time in hex>.s`, or
 * `.u` after a crash), then `current`.
 * @returns undefined when svlogd put a file aside meanwhile, so that the list may have a gap
 */
export async function listFiles(folder: string): Promise<LogFile[] | undefined> {
  const current = await fileOf(folder, "current");
  const names = await readdir(folder);
  const aside = names.filter((name) => /^@[0-9a-f]{24}\.[su]$/.test(name)).sort();
  const files = await Promise.all(aside.map((name) => fileOf(folder, name)));
  const again = await fileOf(folder, "current");
  if (current?.inode !== again?.inode) return undefined;
  return [...files, current].filter((file) => file !== undefined);
}

async function fileOf(folder: string, name: string): Promise<LogFile | undefined> {
  const path = join(folder, name);
  try {
    const { ino, size, mode } = await lstat(path, { bigint: true });
    const regular = (Number(mode) & constants.S_IFMT) === constants.S_IFREG;
    if (!regular) return undefined;
    return { path, name, inode: String(ino), size: Number(size), current: name === "current" };
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fault;
  }
}

/**
 * Opens the very file that was listed. No link is followed: a service must not have us read
 * another's file.
 * @returns undefined when it is gone or another one is there now
 */
export async function openFile({ path, inode }: LogFile): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: FileHandle;
  try {
    file = await open(path, flags);
  } catch (fault) {
    if (["ENOENT", "ELOOP"].includes((fault as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw fault;
  }
  const { ino } = await file.stat({ bigint: true });
  if (String(ino) === inode) return file;
  await file.close();
  return undefined;
}

export interface Piece {
  readonly lines: readonly string[];
  /** Bytes, including the ends of lines. */
  readonly length: number;
}

/** Bytes read at once; more only for a line that is longer. */
const pieceLength = 262_144;

/** Bytes; a line longer than that is taken in pieces. */
const longest = 4_194_304;

/**
 * Reads whole lines from `position` on.
 * @param current whether a last line without an end is left for later
 * @returns undefined when there is none
 */
export async function readPiece(
  file: FileHandle,
  position: number,
  current: boolean,
): Promise<Piece | undefined> {
  for (let size = pieceLength; ; size *= 2) {
    const buffer = Buffer.allocUnsafe(size);
    const read = await readFully(file, buffer, position);
    const ended = read < size;
    const whole = buffer.subarray(0, read).lastIndexOf(10) + 1;
    const takeRest = (ended && !current) || (whole === 0 && size >= longest);
    const length = takeRest ? read : whole;
    if (length > 0) {
      // Bytes that are no UTF-8 become U+FFFD; a piece never ends inside a character.
      const text = buffer.toString("utf8", 0, length);
      return { lines: text.replace(/\n$/, "").split("\n"), length };
    }
    if (ended) return undefined;
  }
}

async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let read = 0;
  while (read < buffer.length) {
    const { bytesRead } = await file.read(buffer, read, buffer.length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}
