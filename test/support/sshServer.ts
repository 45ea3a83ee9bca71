import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";

import ssh2, { type Connection, type Server } from "ssh2";

/** An SSH server of this process: whoever has the key acts as the user who runs the tests. */
export interface SshServer {
  readonly port: number;
  readonly hostKey: string;
  readonly privateKey: string;
  /** Commands that clients started. */
  readonly commands: readonly string[];
  readonly connections: number;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
}

export function makeKey(): { private: string; public: string } {
  return ssh2.utils.generateKeyPairSync("ed25519");
}

export async function startSshServer(): Promise<SshServer> {
  const [own, client] = [makeKey(), makeKey()];
  const accepted = ssh2.utils.parseKey(client.public);
  if (accepted instanceof Error) throw accepted;
  const commands: string[] = [];
  const open = new Set<Connection>();
  let connections = 0;
  const server: Server = new ssh2.Server({ hostKeys: [own.private] }, (connection) => {
    connections += 1;
    open.add(connection);
    connection.on("error", () => undefined);
    connection.on("close", () => open.delete(connection));
    connection.on("authentication", (context) => {
      if (context.method !== "publickey") {
        context.reject(["publickey"]);
        return;
      }
      const { signature, blob, hashAlgo } = context;
      const known = context.key.data.equals(accepted.getPublicSSH());
      const proved =
        signature === undefined ||
        (blob !== undefined && accepted.verify(blob, signature, hashAlgo));
      if (known && proved) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        commands.push(command);
        const channel = acceptExec();
        const child = spawn("/bin/sh", ["-c", command], { stdio: "pipe" });
        channel.pipe(child.stdin).on("error", () => undefined);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        channel.on("close", () => child.stdin.end());
        child.on("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
      });
    });
    connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
      const socket = connect(destPort, destIP);
      socket.once("error", () => {
        reject();
      });
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        socket.on("error", () => undefined);
        const channel = accept();
        channel.on("error", () => undefined);
        socket.pipe(channel).pipe(socket);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const connection of open) connection.end();
  };
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: own.public.trim(),
    privateKey: client.private,
    commands,
    get connections() {
      return connections;
    },
    cut,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}
