import { connect, type Socket } from "node:net";

export interface Load {
  readonly port: number;
  /** The n-th request, head and body. */
  readonly request: (number: number) => Buffer;
  readonly clients: number;
  readonly count: number;
}

/**
 * Sends requests, each client its next when the last one is answered, and nothing but that: the
 * load must not take the processor from the server.
 * @returns milliseconds of each
 * @throws Error when an answer is not 200
 */
export async function send({ port, request, clients, count }: Load): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    try {
      while (next < count) {
        const number = next++;
        const start = performance.now();
        await ask(socket, request(number));
        times.push(performance.now() - start);
      }
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times;
}

function ask(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/^content-length: *(\d+)\r$/im.exec(text.slice(0, end + 1))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      socket.off("data", onData).off("close", onClose).off("error", reject);
      if (text.startsWith("HTTP/1.1 200 ")) resolve();
      else reject(new Error(text.slice(0, 400)));
    };
    const onClose = (): void => {
      reject(new Error("The server closed the connection"));
    };
    socket.on("data", onData).once("close", onClose).once("error", reject);
    socket.write(request);
  });
}

/** A request as the services of the platform send it. */
export function post(path: string, headers: Readonly<Record<string, string>>, body: string) {
  const lines = Object.entries({
    Host: "localhost:5000",
    "User-Agent": "python-requests/2.32.3",
    Accept: "*/*",
    Connection: "keep-alive",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}
