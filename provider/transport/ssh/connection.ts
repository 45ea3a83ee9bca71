import { setTimeout as sleep } from "node:timers/promises";

import type { Client, ClientChannel, ConnectConfig } from "ssh2";

import { codeOf, Fault, messageOf } from "../../fault.ts";
import { refusal, signaturesOf } from "./hostKey.ts";
import { describeHost, type SshOptions } from "./options.ts";

/** Milliseconds before each further attempt to connect. Nothing else is ever tried twice. */
const pauses = [500, 2000];

/** Milliseconds an attempt may take, and between two keep-alives; three unanswered ones are the end. */
const limits = { attempt: 15_000, keepAlive: 15_000, unanswered: 3 };

/** One authenticated connection. */
export class Connection {
  readonly client: Client;
  /** Set when it is over. */
  lost: Fault | undefined;
  readonly #host: string;
  readonly #closed: ((fault: Fault) => void)[] = [];

  private constructor(client: Client, host: string) {
    this.client = client;
    this.#host = host;
    const end = (reason: string): void => {
      if (this.lost) return;
      this.lost = new Fault(
        `The connection to ${host} was lost${reason}; run the same command again.`,
      );
      for (const notify of this.#closed.splice(0)) notify(this.lost);
    };
    client.on("error", (error) => {
      end(` (${error.message})`);
      client.destroy();
    });
    client.on("close", () => {
      end("");
    });
  }

  /** @throws Fault when the host cannot be reached, is another one, or refuses the key. */
  static async open(options: SshOptions): Promise<Connection> {
    for (const pause of [...pauses, undefined]) {
      try {
        return new Connection(await attempt(options), describeHost(options));
      } catch (error) {
        if (error instanceof Fault) throw error;
        if (pause === undefined) throw unreachable(options, error);
        await sleep(pause);
      }
    }
    throw new Error("not reached");
  }

  /** Calls back once, also when it is over already. */
  onLost(notify: (fault: Fault) => void): void {
    if (this.lost) notify(this.lost);
    else this.#closed.push(notify);
  }

  /** Starts a command in the login shell of the user. */
  exec(command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, (error, channel) => {
        if (error) reject(this.lost ?? new Fault(`${this.#host} runs nothing: ${error.message}.`));
        else resolve(channel);
      });
    });
  }

  /** A connection made from the host. @throws Fault when nothing answers there. */
  forward(host: string, port: number): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
        if (!error) resolve(channel);
        else
          reject(
            this.lost ??
              new Fault(`${host}:${port} does not answer on ${this.#host}: ${error.message}`),
          );
      });
    });
  }

  close(): void {
    this.client.end();
  }
}

/** @throws Fault when trying again is of no use. */
async function attempt(options: SshOptions): Promise<Client> {
  // Loaded with the first connection: others wait for the forwards that listen before.
  const { default: ssh2 } = await import("ssh2");
  const client = new ssh2.Client();
  let refused: Fault | undefined;
  const config: ConnectConfig = {
    host: options.address,
    port: options.port,
    username: options.user,
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    algorithms: { serverHostKey: signaturesOf(options.hostKey) },
    hostVerifier: (key: Buffer) => {
      refused = refusal(key, options);
      return refused === undefined;
    },
    readyTimeout: limits.attempt,
    keepaliveInterval: limits.keepAlive,
    keepaliveCountMax: limits.unanswered,
  };
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      client.removeAllListeners();
      client.setNoDelay(true);
      resolve(client);
    });
    client.on("error", (error) => {
      reject(refused ?? final(error, options) ?? error);
      client.destroy();
    });
    client.once("close", () => {
      reject(refused ?? new Error("it closes the connection"));
    });
    try {
      client.connect(config);
    } catch (error) {
      reject(new Fault(`The private key cannot be used: ${messageOf(error)}.`));
    }
  });
}

/** An answer that will be the same next time. */
function final(error: Error, options: SshOptions): Fault | undefined {
  const level = "level" in error ? String(error.level) : "";
  const host = describeHost(options);
  if (level === "client-authentication") {
    const key = options.privateKey === undefined ? "any key of the agent" : "the private key";
    return new Fault(
      `${host} does not accept ${key}; add its public half to ~/.ssh/authorized_keys of ${options.user} there, or give another key or user.`,
    );
  }
  if (level === "agent") {
    return new Fault(`The agent at SSH_AUTH_SOCK does not answer (${error.message}); run ssh-add.`);
  }
  if (/no matching host key/.test(error.message)) {
    return new Fault(
      `${host} has no key of the pinned kind any more; compare its keys on its console and set hostKey anew.`,
    );
  }
  if (codeOf(error) === "ENOTFOUND") {
    return new Fault(`The name ${options.address} is not known; check the host's address.`);
  }
  return undefined;
}

function unreachable(options: SshOptions, error: unknown): Fault {
  return new Fault(
    `${describeHost(options)} cannot be reached: ${messageOf(error)}. Check that the machine runs, its address, and that port ${options.port} is open to this one.`,
    { cause: error },
  );
}
