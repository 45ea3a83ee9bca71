import type { Server, Socket } from "node:net";

import { addressGroup } from "./rateLimit.ts";
import { Tally } from "./tally.ts";

/**
 * At most so many connections from one address: a client that opens them and says nothing does not
 * take them from all others. One more is closed before a byte of TLS.
 * @param onRefused told of each
 * @returns connections open at the moment
 */
export function limitConnections(
  servers: readonly Server[],
  most: number,
  onRefused: () => void,
): () => number {
  const open = new Tally();
  let all = 0;
  const take = (socket: Socket): void => {
    const address = addressGroup((socket.remoteAddress ?? "").replace(/^::ffff:/, ""));
    if (!open.take(address, most)) {
      onRefused();
      socket.destroy();
      return;
    }
    all += 1;
    socket.once("close", () => {
      all -= 1;
      open.release(address);
    });
  };
  for (const server of servers) server.prependListener("connection", take);
  return () => all;
}
