import type { Duplex } from "node:stream";

export interface RunOptions {
  readonly stdin?: string | undefined;
  /** Added to a small fixed environment; nothing of Pulumi's own is passed on. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Name of the user to run as; root only. */
  readonly user?: string | undefined;
  /** Default `/`. */
  readonly cwd?: string | undefined;
  /** Ends the command and all it started. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds; ends it likewise. */
  readonly timeout?: number | undefined;
}

export interface RunResult {
  /** Exit code; 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Something at a path, not followed when it is a link. */
export interface Entry {
  readonly type: "file" | "directory" | "link" | "other";
  /** Four octal digits. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Bytes. */
  readonly size: number;
}

/** Absent means as it is (or, when new, as the connection's user makes it). */
export interface Ownership {
  readonly mode?: string | undefined;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
}

export interface WriteOptions extends Ownership {
  /** Run on the new file (`%s`) before it takes its place. */
  readonly validate?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

/**
 * One machine. Every method throws a Fault. Small reads (`stat`, `read`, `list`, `account`) are
 * asked for one by one and may be answered in one round trip: an implementation is free to gather
 * those of one turn of the event loop.
 */
export interface Transport {
  /** Name of the user it acts as. */
  readonly user: string;
  /** Name or IP address it is reached by, and TCP port; undefined for this machine. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** Runs a program without a shell; resolves whatever its exit code. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  stat(path: string): Promise<Entry | undefined>;
  /** Undefined also for a directory. */
  read(path: string): Promise<Buffer | undefined>;
  /** Names in a directory. */
  list(path: string): Promise<string[] | undefined>;
  /** Where a symbolic link points; undefined when there is none. */
  linkTarget(path: string): Promise<string | undefined>;
  account(name: string): Promise<Account | undefined>;
  /** Writes beside (owner and mode first), syncs, validates, renames. */
  writeAtomic(path: string, content: string | Buffer, options?: WriteOptions): Promise<void>;
  /** Copies a file of the machine that runs Pulumi to a new path, with this ownership, and syncs it. */
  upload(from: string, to: string, ownership: Ownership, signal: AbortSignal): Promise<void>;
  /**
   * Where this machine has a file of the one that runs Pulumi: as it is when they are the same, else
   * a copy at `to`, which is the caller's to remove.
   */
  bring(from: string, to: string, signal: AbortSignal): Promise<string>;
  /** Makes one directory, or gives an existing one this ownership. */
  makeDirectory(path: string, ownership: Ownership): Promise<void>;
  /** Makes or replaces a symbolic link. */
  makeLink(path: string, target: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link or an empty directory; nothing there is no error. */
  remove(path: string): Promise<void>;
  /** Removes with everything in it. */
  removeTree(path: string): Promise<void>;
  /** Makes another connection, and ends it: whoever is let in now. Not for this machine. @throws Fault */
  reconnect?(signal: AbortSignal): Promise<void>;
  /** A connection as made from the machine itself. */
  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
}
