import { rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { setImmediate } from "node:timers/promises";

import type { Log } from "./log.ts";
import { createNotifier } from "./notifier.ts";

/** A node:http or node:https server. */
export interface HttpServer extends Server {
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

export interface Listener {
  readonly server: HttpServer;
  /** Address, e.g. `127.0.0.1`. */
  readonly host: string;
  /** In place of the service's own. */
  readonly port?: number;
  /** Where it may not listen the service does without, and says so. */
  readonly optional?: boolean;
}

export interface ServeOptions {
  readonly listeners: readonly Listener[];
  readonly port: number;
  readonly readyFile?: string | undefined;
  readonly log: Log;
  /** Told at SIGTERM before anything is closed: end streams that would last for ever. */
  readonly drain?: () => void;
  /** After the last request: pools, timers, clients. */
  readonly close: () => Promise<void>;
  /** Seconds that requests under way may take after SIGTERM; default 10. */
  readonly drainTime?: number;
}

/**
 * Listens, says so, and ends in order at SIGTERM or SIGINT: no new connection, requests under way
 * finish, then the process ends with 0. The socket is shared (SO_REUSEPORT, socket(7)), so that a
 * successor of the same user listens before this process ends.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { listeners, port, readyFile, log, drain, close, drainTime = 10 } = options;
  await Promise.all(
    listeners.map(async (listener) => {
      try {
        await listen(listener, listener.port ?? port);
      } catch (fault) {
        if (listener.optional !== true) throw fault;
        log.warn({ err: fault }, "one port is done without");
      }
    }),
  );
  const notifier = createNotifier(process.env, log);
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) return;
    ending = true;
    log.info({ signal }, "ending");
    if (readyFile !== undefined) rmSync(readyFile, { force: true });
    notifier.stop();
    drain?.();
    void endAll(listeners, drainTime)
      .then(close)
      .then(
        () => process.exit(0),
        (fault: unknown) => {
          log.error({ err: fault }, "did not end in order");
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // Only now: who reads it may send a signal at once.
  if (readyFile !== undefined) writeFileSync(readyFile, `${String(process.pid)}\n`);
  notifier.ready();
  log.info({ port, hosts: listeners.map(({ host }) => host) }, "ready");
}

function listen({ server, host }: Listener, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, reusePort: true, ipv6Only: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function endAll(listeners: readonly Listener[], drainTime: number): Promise<void> {
  // What waits to be accepted is reset when its listener closes: the loop takes it first.
  await setImmediate();
  const late = setTimeout(() => {
    for (const { server } of listeners) server.closeAllConnections();
  }, drainTime * 1000);
  // A connection whose last request ends now is idle only then, and its client would keep it.
  const sweep = setInterval(() => {
    for (const { server } of listeners) server.closeIdleConnections();
  }, 50);
  await Promise.all(
    listeners.map(
      ({ server }) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
          server.closeIdleConnections();
        }),
    ),
  );
  clearTimeout(late);
  clearInterval(sweep);
}
