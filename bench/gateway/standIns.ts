import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Of the one user there is; as Keycloak and core would give them. */
export interface StandIns {
  readonly core: string;
  readonly logger: string;
  readonly identity: string;
  /** Value of the gateway's session cookie. */
  readonly cookie: string;
  readonly close: () => void;
}

const cookie = "c".repeat(43);

/** Core with one session, a logger that takes everything, and an identity provider for oauth2-proxy. */
export async function startStandIns(): Promise<StandIns> {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const servers: Server[] = [];
  const serve = async (
    answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  ): Promise<string> => {
    const server = createServer((request, response) => void answer(request, response));
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  };
  const json = (response: ServerResponse, body: unknown) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const token = (claims: Record<string, unknown>, issuer: string) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid: "bench" })
      .setIssuedAt()
      .setIssuer(issuer)
      .setAudience("bench")
      .setSubject("4711")
      .setExpirationTime("10h")
      .sign(privateKey);
  const person = { name: "Ada Lovelace", email: "ada@hive.test", groups: ["admins"] };

  const session = {
    id: "the-session-of-the-benchmark",
    token: await token({ ...person, permission_level: "admin" }, "hivematrix-core"),
    token_expires_at: Math.floor(Date.now() / 1000) + 36_000,
    expires_at: Math.floor(Date.now() / 1000) + 36_000,
    user: { sub: "4711", preferred_username: "ada", permission_level: "admin", ...person },
  };
  const core = await serve(async (request, response) => {
    if (request.url === "/v1/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("id: 1\nevent: hello\ndata: {}\n\n");
      const timer = setInterval(() => response.write(": here\n\n"), 15_000);
      response.once("close", () => {
        clearInterval(timer);
      });
      return;
    }
    await text(request);
    json(response, request.url === "/service-token" ? { token: session.token } : { session });
  });
  const logger = await serve((request, response) => {
    request.resume().once("end", () => {
      json(response, { success: true });
    });
  });
  let identity = "";
  identity = await serve(async (request, response) => {
    await text(request);
    if (request.url === "/keys") {
      json(response, { keys: [{ ...(await exportJWK(publicKey)), kid: "bench", use: "sig" }] });
    } else {
      const id = await token({ ...person, email_verified: true }, identity);
      json(response, { access_token: id, id_token: id, token_type: "Bearer", expires_in: 36_000 });
    }
  });
  return {
    core,
    logger,
    identity,
    cookie,
    close() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
