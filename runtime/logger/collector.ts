import { readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { moveCursor, readCursor, type Cursor } from "./cursor.ts";
import { normalizeEntry, type LogEntry } from "./entry.ts";
import { parseLines } from "./lineParser.ts";
import type { LogStore } from "./store.ts";
import { headLength, listFiles, openFile, readPiece, type LogFile, type Piece } from "./svlogd.ts";
import { transact } from "./transaction.ts";

export interface CollectorOptions {
  /** Folder of the supervisor's services. */
  readonly folder: string;
  readonly pool: Pool;
  readonly store: LogStore;
  readonly log: Log;
  readonly now: () => Date;
  /** Milliseconds between two rounds; default 1000. */
  readonly interval?: number;
}

/** Pieces taken of one service before it is the next one's turn. */
const piecesPerRound = 4;

/** Another logger stored the same lines first. */
class CursorMoved extends Error {
  override readonly name = "CursorMoved";
}

/**
 * Stores what services write to their output, each line once: entries and the place they end at are
 * one transaction.
 */
export class Collector {
  readonly #options: Required<CollectorOptions>;
  /** What the database has; forgotten after any fault. */
  readonly #cursors = new Map<string, Cursor | undefined>();
  /** Services whose last round failed, so that a fault is told once. */
  readonly #failed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(options: CollectorOptions) {
    this.#options = { interval: 1000, ...options };
  }

  start(): void {
    this.#plan(0);
  }

  /** Ends with the round that is under way. */
  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  /**
   * One round over all services.
   * @returns whether more is waiting
   */
  async collect(): Promise<boolean> {
    let more = false;
    for (const service of await this.#services()) {
      if (this.#ended) break;
      try {
        if (await this.#collectService(service)) more = true;
        if (this.#failed.delete(service)) this.#options.log.info({ of: service }, "collects again");
      } catch (fault) {
        this.#cursors.delete(service);
        if (fault instanceof CursorMoved) continue;
        if (!this.#failed.has(service)) {
          this.#options.log.warn({ of: service, err: fault }, "output cannot be collected");
        }
        this.#failed.add(service);
      }
    }
    return more;
  }

  #plan(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#round = this.collect().then((more) => {
        if (!this.#ended) this.#plan(more ? 0 : this.#options.interval);
      });
    }, delay);
  }

  async #services(): Promise<string[]> {
    try {
      const names = await readdir(this.#options.folder);
      return names.filter((name) => /^[a-z0-9_-]{1,50}$/.test(name)).sort();
    } catch {
      return [];
    }
  }

  async #collectService(service: string): Promise<boolean> {
    const files = await this.#filesOf(service);
    if (files === undefined || files.length === 0) return false;
    const cursor = await this.#cursorOf(service);
    let left = piecesPerRound;
    const newest = files.findLast((file) => !file.current)?.name ?? "";
    for (const { file, position } of await remaining(files, cursor)) {
      const handle = await openFile(file);
      // Put aside or removed since; the next round sees what is there then.
      if (handle === undefined) return true;
      try {
        for (let from = position; ; left -= 1) {
          const piece = await readPiece(handle, from, file.current);
          if (piece === undefined) break;
          if (left === 0) return true;
          await this.#store(service, file, handle, from, piece, file.current ? newest : file.name);
          from += piece.length;
        }
      } finally {
        await handle.close();
      }
    }
    return false;
  }

  async #filesOf(service: string): Promise<LogFile[] | undefined> {
    try {
      return await listFiles(join(this.#options.folder, service, "log", "main"));
    } catch (fault) {
      if (["ENOENT", "ENOTDIR"].includes((fault as NodeJS.ErrnoException).code ?? "")) return [];
      throw fault;
    }
  }

  async #cursorOf(service: string): Promise<Cursor | undefined> {
    if (!this.#cursors.has(service)) {
      this.#cursors.set(service, await readCursor(this.#options.pool, service));
    }
    return this.#cursors.get(service);
  }

  async #store(
    service: string,
    file: LogFile,
    handle: FileHandle,
    from: number,
    piece: Piece,
    after: string,
  ): Promise<void> {
    const { pool, store, now } = this.#options;
    const cursor = this.#cursors.get(service);
    const entries = parseLines(piece.lines)
      .map((line) => normalizeEntry(line, service, now()))
      .filter((entry): entry is LogEntry => !("reason" in entry));
    const position = from + piece.length;
    const head = await headOf(handle, Math.min(position, headLength));
    const next = { inode: file.inode, position, head, after };
    await store.partitions.cover(entries);
    await transact(pool, async (client) => {
      const moved = await moveCursor(client, service, cursor, next);
      if (!moved) throw new CursorMoved(service);
      await store.insert(entries, client);
    });
    this.#cursors.set(service, next);
  }
}

interface Rest {
  readonly file: LogFile;
  readonly position: number;
}

/**
 * What is not stored yet: the rest of the file that was read last, whatever its name is now, and the
 * files after it. When that file is gone: those put aside later.
 */
async function remaining(files: readonly LogFile[], cursor: Cursor | undefined): Promise<Rest[]> {
  const index = files.findIndex(({ inode }) => inode === cursor?.inode);
  const file = files[index];
  const newer = files.filter((one) => one.current || one.name > (cursor?.after ?? ""));
  if (cursor === undefined || file === undefined) return whole(newer);
  if (file.size === cursor.position && file.current) return [];
  const handle = await openFile(file);
  if (handle === undefined) return [];
  try {
    const head = await headOf(handle, cursor.head.length);
    const same = file.size >= cursor.position && head.equals(cursor.head);
    // Truncated, or another file with the number of the one that is gone.
    if (!same) return whole(newer);
    return [{ file, position: cursor.position }, ...whole(files.slice(index + 1))];
  } finally {
    await handle.close();
  }
}

function whole(files: readonly LogFile[]): Rest[] {
  return files.map((file) => ({ file, position: 0 }));
}

async function headOf(handle: FileHandle, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}
