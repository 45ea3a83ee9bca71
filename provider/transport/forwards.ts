import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { codeOf, Fault, messageOf } from "../fault.ts";
import type { Transport } from "./transport.ts";

/** A port of this machine that leads to one of the host's own. */
export interface Forward {
  readonly localPort: number;
  /** As the host names it. */
  readonly host: string;
  readonly port: number;
}

/** Milliseconds a connection through a forward may take to be made. */
const dialling = 60_000;

/** Milliseconds between two looks whether the port of another plugin's forward is free. */
const takeover = 200;

/**
 * Listens on 127.0.0.1 at once and dials when somebody comes, so that the plugins of servers that
 * listen on the host's loopback only find them at a fixed address. The engine may run two plugins of
 * the same configuration at a time: the second one waits to take the first one's place.
 */
export class Forwards {
  readonly #transport: Transport;
  /** Names the host; a plugin with another one is a stranger. */
  readonly #target: string;
  readonly #warn: (message: string) => void;
  readonly #servers = new Map<Server, Forward>();
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<NodeJS.Timeout>();

  constructor(transport: Transport, target: string, warn: (message: string) => void) {
    this.#transport = transport;
    this.#target = target;
    this.#warn = warn;
  }

  /** @throws Fault when a port is taken by something else; then none is open. */
  async open(forwards: readonly Forward[]): Promise<void> {
    try {
      for (const forward of forwards) {
        if (await this.#listen(forward)) continue;
        if (!this.#isHeldByEqual(forward)) throw taken(forward);
        this.#takeOverLater(forward);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const timer of this.#waiting) clearInterval(timer);
    this.#waiting.clear();
    for (const [server, { localPort }] of this.#servers) {
      server.close();
      rmSync(recordPath(localPort), { force: true });
    }
    this.#servers.clear();
    removeEmptyFolder();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whether the port was free. */
  async #listen(forward: Forward): Promise<boolean> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      void this.#serve(socket, forward);
    });
    try {
      const listening = once(server, "listening");
      server.listen({ host: "127.0.0.1", port: forward.localPort, exclusive: true });
      await listening;
    } catch (error) {
      if (codeOf(error) === "EADDRINUSE") return false;
      throw new Fault(
        `Port ${forward.localPort} of this machine cannot be opened: ${messageOf(error)}.`,
      );
    }
    server.on("error", () => undefined);
    this.#servers.set(server, forward);
    record(forward, this.#target);
    return true;
  }

  async #serve(socket: Socket, { host, port, localPort }: Forward): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    try {
      const signal = AbortSignal.timeout(dialling);
      const channel = await this.#transport.connect(host, port, signal);
      channel.on("error", () => socket.destroy());
      channel.once("close", () => {
        socket.destroySoon();
      });
      socket.once("close", () => channel.destroy());
      if (socket.destroyed) channel.destroy();
      socket.pipe(channel).pipe(socket);
    } catch (error) {
      socket.destroy();
      this.#warn(`127.0.0.1:${localPort}: ${messageOf(error)}`);
    }
  }

  #isHeldByEqual(forward: Forward): boolean {
    const path = recordPath(forward.localPort);
    try {
      const { uid } = statSync(path);
      if (uid !== process.getuid?.()) return false;
      const { pid, target } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
      process.kill(Number(pid), 0);
      return target === targetOf(forward, this.#target);
    } catch {
      return false;
    }
  }

  #takeOverLater(forward: Forward): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#listen(forward).then(
        (open) => {
          busy = false;
          if (open) this.#forget(timer);
        },
        () => {
          this.#forget(timer);
        },
      );
    }, takeover);
    this.#waiting.add(timer);
  }

  #forget(timer: NodeJS.Timeout): void {
    clearInterval(timer);
    this.#waiting.delete(timer);
  }
}

function targetOf({ host, port }: Forward, machine: string): string {
  return `${machine} ${host}:${port}`;
}

function folder(): string {
  return join(tmpdir(), `hivematrix-forwards-${String(process.getuid?.())}`);
}

function removeEmptyFolder(): void {
  try {
    rmdirSync(folder());
  } catch {
    // Other plugins' records are in it, or it is gone.
  }
}

function recordPath(localPort: number): string {
  return join(folder(), `${localPort}.json`);
}

/** Says who listens, for a second plugin. Without it that one reports the port as taken. */
function record(forward: Forward, machine: string): void {
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    const content = { pid: process.pid, target: targetOf(forward, machine) };
    writeFileSync(recordPath(forward.localPort), JSON.stringify(content), { mode: 0o600 });
  } catch {
    // A temporary folder that cannot be written to.
  }
}

function taken({ localPort, host, port }: Forward): Fault {
  return new Fault(
    `Port ${localPort} of this machine, which is to lead to ${host}:${port} of the host, is taken; end what listens there (ss -ltnp 'sport = :${localPort}') or configure another localPort.`,
  );
}
