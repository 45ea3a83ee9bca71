import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP relay that delays, cuts and counts. */
export interface Relay {
  readonly port: number;
  /** How often bytes of the client came after bytes of the server: the round trips it waited for. */
  readonly turns: number;
  /**
   * The longest chain of answers that were waited for (a logical clock): what is asked before an
   * answer came travels with what was asked before, on whichever channel.
   */
  readonly rounds: number;
  readonly connections: number;
  /** Bytes of the client that were passed on. */
  readonly bytes: number;
  /** Milliseconds added to every piece in each direction. */
  delay: number;
  /** Cuts every connection as soon as this many more bytes of the client have passed. */
  cutAfter(bytes: number): void;
  /** Cuts every connection now. */
  cut(): void;
  close(): Promise<void>;
}

export async function startRelay(host: string, port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let left = Infinity;
  let lastFrom: "client" | "server" | undefined;
  const counts = { turns: 0, connections: 0, bytes: 0 };
  /** Of what has arrived at the server, and of what has arrived at the client. */
  const clock = { asked: 0, answered: 0 };
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    counts.connections += 1;
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const pass = (from: "client" | "server", chunk: Buffer): void => {
      if (from === "client") {
        if (lastFrom === "server") counts.turns += 1;
        left -= chunk.length;
        if (left <= 0) {
          left = Infinity;
          cut();
          return;
        }
        counts.bytes += chunk.length;
      }
      lastFrom = from;
      const round = from === "client" ? clock.answered + 1 : clock.asked;
      const deliver = (): void => {
        if (from === "client") {
          clock.asked = Math.max(clock.asked, round);
          upstream.write(chunk);
        } else {
          clock.answered = Math.max(clock.answered, round);
          client.write(chunk);
        }
      };
      if (relay.delay === 0) deliver();
      else setTimeout(deliver, relay.delay);
    };
    client.on("data", (chunk: Buffer) => {
      pass("client", chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      pass("server", chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay: Relay = {
    delay: 0,
    port: (server.address() as AddressInfo).port,
    get turns() {
      return counts.turns;
    },
    get rounds() {
      return clock.asked;
    },
    get bytes() {
      return counts.bytes;
    },
    get connections() {
      return counts.connections;
    },
    cutAfter: (bytes) => {
      left = bytes;
    },
    cut,
    close: async () => {
      server.close();
      cut();
      await once(server, "close");
    },
  };
  return relay;
}
