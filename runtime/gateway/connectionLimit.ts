import type { Server, Socket } from "node:net";

import { addressGroup } from "./rateLimit.ts";

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
  const open = new Map<string, number>();
  let all = 0;
  const take = (socket: Socket): void => {
    const address = addressGroup((socket.remoteAddress ?? "").replace(/^::ffff:/, ""));
    const count = open.get(address) ?? 0;
    if (count >= most) {
      onRefused();
      socket.destroy();
      return;
    }
    open.set(address, count + 1);
    all += 1;
    socket.once("close", () => {
      all -= 1;
      const rest = (open.get(address) ?? 1) - 1;
      if (rest > 0) open.set(address, rest);
      else open.delete(address);
    });
  };
  for (const server of servers) server.prependListener("connection", take);
  return () => all;
}
