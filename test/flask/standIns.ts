import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from "jose";

/** One request as a stand-in saw it. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A server on loopback that answers by a function and remembers what it was asked. */
export class StandIn {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  constructor(answer: (seen: Seen) => Answer | Promise<Answer>) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const text = Buffer.concat(chunks).toString("utf8");
        const body: unknown = text === "" ? undefined : JSON.parse(text);
        const seen = { path: request.url ?? "", headers: request.headers, body };
        this.seen.push(seen);
        const { status, body: answered } = await answer(seen);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(answered));
      })();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Makes a key and signs tokens as core does; what is given replaces or adds claims. */
export class Signer {
  readonly kid: string;
  readonly jwk: JWK;
  readonly #key: CryptoKey;

  private constructor(kid: string, jwk: JWK, key: CryptoKey) {
    this.kid = kid;
    this.jwk = { ...jwk, kid, use: "sig", alg: "RS256" };
    this.#key = key;
  }

  static async create(kid: string): Promise<Signer> {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { modulusLength: 2048 });
    return new Signer(kid, await exportJWK(publicKey), privateKey);
  }

  async sign(claims: JWTPayload): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({ iss: "hivematrix-core", iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: this.kid, typ: "JWT" })
      .sign(this.#key);
  }
}
