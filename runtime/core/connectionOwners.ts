import { readFileSync } from "node:fs";
import type { Server, Socket } from "node:net";

import type { Log } from "../kernel/log.ts";
import { type Connection, established, lookUp, type SocketEntry } from "./socketTable.ts";
import { overflowUid, uidsOf } from "./systemUsers.ts";

/** The service at the other end of a connection, or why it is none. */
export type Owner =
  | { readonly name: string }
  | { readonly name?: never; readonly reason: string; readonly uid?: number };

export interface ConnectionOwnersOptions {
  /** System user of each caller that is known by it. */
  readonly users: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Default: the kernel's tables. */
  readonly look?: (connections: readonly Connection[]) => Promise<(SocketEntry | undefined)[]>;
  /** Text of passwd(5); default the system's. */
  readonly passwd?: () => string;
}

interface Waiting {
  readonly connection: Connection;
  readonly resolve: (entry: SocketEntry | undefined) => void;
}

/** Milliseconds until the system's users are read again for one that is not known. */
const usersGoodFor = 1000;

/**
 * Which service holds the other end of a connection, by the system user that owns its socket. Looked
 * up once, when the connection is accepted, and kept for its life. Connections that are accepted
 * while the table is being read wait for the next reading, and share it.
 */
export class ConnectionOwners {
  readonly #options: ConnectionOwnersOptions;
  readonly #owners = new WeakMap<Socket, Promise<Owner>>();
  readonly #overflow = overflowUid();
  #names: ReadonlyMap<number, string> = new Map();
  #namesReadAt = -Infinity;
  #waiting: Waiting[] = [];
  #reading = false;

  constructor(options: ConnectionOwnersOptions) {
    this.#options = options;
  }

  /** Whether anybody is known by its user. */
  get any(): boolean {
    return Object.keys(this.#options.users).length > 0;
  }

  /** To be called before the server listens. */
  watch(server: Server): void {
    if (!this.any) return;
    server.on("connection", (socket: Socket) => {
      this.#owners.set(socket, this.#find(socket));
    });
  }

  /** Never rejects. */
  async of(socket: Socket): Promise<Owner> {
    return (await this.#owners.get(socket)) ?? { reason: "not looked up" };
  }

  async #find({ remoteAddress, remotePort, localAddress, localPort }: Socket): Promise<Owner> {
    if (!remoteAddress || !remotePort || !localAddress || !localPort) return { reason: "closed" };
    const connection = { remoteAddress, remotePort, localAddress, localPort };
    const entry = await new Promise<SocketEntry | undefined>((resolve) => {
      this.#waiting.push({ connection, resolve });
      void this.#read();
    });
    if (entry === undefined) return { reason: "no entry" };
    if (entry === "ambiguous") return { reason: "several entries" };
    const { state, uid } = entry;
    if (state !== established) return { reason: `state ${state}`, uid };
    if (uid === 0) return { reason: "root", uid };
    if (uid === this.#overflow) return { reason: "a user of another namespace", uid };
    const name = this.#nameOf(uid);
    return name === undefined ? { reason: "no caller's user", uid } : { name };
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    // Those accepted in one turn of the event loop share the first reading too.
    await new Promise(setImmediate);
    const { look = lookUp, log } = this.#options;
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      const entries = await look(waiting.map(({ connection }) => connection)).catch(
        (fault: unknown) => {
          log.error({ err: fault }, "the table of sockets cannot be read");
          return [];
        },
      );
      waiting.forEach(({ resolve }, index) => {
        resolve(entries[index]);
      });
    }
    this.#reading = false;
  }

  #nameOf(uid: number): string | undefined {
    const known = this.#names.get(uid);
    if (known !== undefined || performance.now() - this.#namesReadAt < usersGoodFor) return known;
    const { users, passwd = () => readFileSync("/etc/passwd", "utf8") } = this.#options;
    const uids = uidsOf(Object.values(users), passwd());
    const pairs = Object.entries(users).flatMap(([name, user]): [number, string][] => {
      const own = uids.get(user);
      // Two names of one user tell nothing.
      const alone = [...uids.values()].filter((other) => other === own).length === 1;
      return own !== undefined && alone ? [[own, name]] : [];
    });
    this.#names = new Map(pairs);
    this.#namesReadAt = performance.now();
    return this.#names.get(uid);
  }
}
