import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer, json } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";

import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import { createGateway, type Gateway, type GatewayOptions } from "../../runtime/gateway/app.ts";
import { readGatewayConfig } from "../../runtime/gateway/config.ts";
import type { Session } from "../../runtime/gateway/coreClient.ts";
import type { Route } from "../../runtime/gateway/routes.ts";
import { createLog, type Entry } from "../../runtime/kernel/log.ts";

/** Where people enter in the tests; the certificate is for that name. */
export const publicOrigin = "https://hive.test";

/** What the gateway proves itself to core with. */
const secret = "the-secret-of-the-gateway-0123456789";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  /** Value of the session cookie. */
  readonly cookie?: string;
}

/** A browser that opens an address in a window. */
export const window: Readonly<Record<string, string>> = {
  accept: "text/html,application/xhtml+xml",
  "sec-fetch-site": "none",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

type Serve = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A service behind the gateway, which keeps what it was asked. */
export class TestService {
  readonly received: Received[] = [];
  /** What it answers; by default `ok`. */
  serve: Serve = (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).end("ok");
  };
  /** In place of the above, before the body is read. */
  stream: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  url = "";
  readonly #server = createServer((request, response) => {
    if (this.stream !== undefined) {
      this.stream(request, response);
      return;
    }
    void buffer(request).then((body) => {
      const { method = "", url = "", headers, rawHeaders } = request;
      this.received.push({ method, url, headers, rawHeaders, body });
      this.serve(request, response, body);
    });
  });

  async start(): Promise<void> {
    this.url = await listen(this.#server);
  }

  async close(): Promise<void> {
    await end(this.#server);
  }

  /** The one request it got. */
  get only(): Received {
    const [first, ...more] = this.received;
    if (first === undefined || more.length > 0) {
      throw new Error(`${String(this.received.length)} requests came`);
    }
    return first;
  }
}

/** Stands in for core: its session API and event stream, over HTTP. */
export class TestCore {
  readonly sessions = new Map<string, Session>();
  readonly requests: { readonly path: string; readonly body: unknown }[] = [];
  /** Status of every answer in its place; 0: the connection breaks. */
  outage: number | undefined;
  /** Requests that met an outage. */
  refused = 0;
  /** Awaited before a session is looked up. */
  hold: Promise<void> | undefined;
  /** What `POST /v1/sessions` answers in place of a session. */
  refusal: number | undefined;
  idToken: string | undefined;
  /** What the page of sessions gets; with `refusal` that status instead. */
  readonly sessionApi: { lines: unknown[]; refusal: number | undefined } = {
    lines: [],
    refusal: undefined,
  };
  url = "";
  sequence = 7;
  /** `Last-Event-ID` of each connection. */
  readonly connections: (string | undefined)[] = [];
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  async start(): Promise<void> {
    this.url = await listen(this.#server);
  }

  async close(): Promise<void> {
    await end(this.#server);
  }

  /** A session as after a sign-in. @returns its cookie */
  signIn(groups: string[] = ["admins"], session: Partial<Session> = {}): string {
    const cookie = randomBytes(32).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    this.sessions.set(cookie, {
      id: randomBytes(32).toString("base64url"),
      token: `token-of-${cookie.slice(0, 5)}`,
      token_expires_at: now + 3600,
      expires_at: now + 36_000,
      user: {
        sub: "4711",
        name: "Ada <Lovelace>",
        email: "ada@hive.test",
        preferred_username: "ada",
        permission_level: "admin",
        groups,
      },
      ...session,
    });
    return cookie;
  }

  session(cookie: string): Session {
    const session = this.sessions.get(cookie);
    if (session === undefined) throw new Error("there is no such session");
    return session;
  }

  emit(event: string, session?: string): void {
    this.sequence += 1;
    const data = session === undefined ? "{}" : JSON.stringify({ session });
    for (const stream of this.#streams) {
      stream.write(`id: ${String(this.sequence)}\nevent: ${event}\ndata: ${data}\n\n`);
    }
  }

  /** Open event streams. */
  get followers(): number {
    return this.#streams.size;
  }

  dropFollowers(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (this.outage !== undefined) {
      this.refused += 1;
      if (this.outage === 0) request.destroy();
      else send(this.outage, {});
      return;
    }
    if (path === "/health") {
      send(200, {});
      return;
    }
    const expected = `Basic ${Buffer.from(`nexus:${secret}`).toString("base64")}`;
    if (request.headers.authorization !== expected) {
      send(401, {});
      return;
    }
    if (path === "/v1/events") {
      this.connections.push(request.headers["last-event-id"] as string | undefined);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`: hi\n\nid: ${String(this.sequence)}\nevent: hello\ndata: {}\n\n`);
      this.#streams.add(response);
      response.once("close", () => this.#streams.delete(response));
      return;
    }
    const body = (await json(request)) as { cookie?: string; token?: string };
    this.requests.push({ path, body });
    const { cookie = "", token } = body;
    const session = this.sessions.get(cookie);
    const { refusal: sessionRefusal } = this.sessionApi;
    if (/\/(list|end-one|end-everywhere)$/.test(path) && sessionRefusal !== undefined) {
      send(sessionRefusal, {});
      return;
    }
    switch (path) {
      case "/api/token/validate": {
        const holder = [...this.sessions.values()].find((one) => one.token === token);
        if (holder === undefined) send(401, { valid: false, error: "Session expired or revoked" });
        else send(200, { valid: true, user: holder.user });
        return;
      }
      case "/v1/sessions/list":
        send(200, { sessions: this.sessionApi.lines });
        return;
      case "/v1/sessions/end-one":
      case "/v1/sessions/end-everywhere":
        send(200, { ended: true });
        return;
      case "/v1/sessions": {
        if (this.refusal !== undefined) {
          send(this.refusal, {});
          return;
        }
        const made = this.signIn();
        send(201, { cookie: made, session: this.sessions.get(made) });
        return;
      }
      case "/v1/sessions/resolve":
        await this.hold;
        send(session === undefined ? 404 : 200, { session });
        return;
      case "/v1/sessions/end":
        this.sessions.delete(cookie);
        send(200, { id_token: this.idToken });
        return;
      default:
        send(404, {});
    }
  }
}

export interface TestGatewayOptions {
  /** Routes besides and in place of `codex` and `helm`, which lead to the service. */
  readonly routes?: readonly Partial<Route>[];
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: Partial<GatewayOptions>;
}

const authority = issueAuthority("Test", 1);
const certificate = authority.then((issued) =>
  issueCertificate({
    authorityCertificate: issued.certificate,
    authorityKey: issued.privateKey,
    names: ["hive.test", "localhost"],
    days: 1,
  }),
);

/** The gateway on a free port, with a core and one service that stand in for the real ones. */
export class TestGateway {
  readonly core = new TestCore();
  readonly service = new TestService();
  readonly keycloak = new TestService();
  /** Access lines. */
  readonly lines: Entry[] = [];
  /** Lines of the application's log. */
  readonly log: string[] = [];
  port = 0;
  /** What it was started with. */
  files = { routes: new Map<string, Route>(), certificate: "", key: "" };
  #ca = "";
  #gateway: Gateway | undefined;

  static async start(given: TestGatewayOptions = {}): Promise<TestGateway> {
    const test = new TestGateway();
    await Promise.all([test.core.start(), test.service.start(), test.keycloak.start()]);
    const { certificate: chain, privateKey } = await certificate;
    test.#ca = (await authority).certificate;
    const config = readGatewayConfig({
      PORT: "1",
      HOSTS: "127.0.0.1",
      PUBLIC_ORIGIN: publicOrigin,
      TLS_CERTIFICATE_FILE: "/none",
      TLS_KEY_FILE: "/none",
      ROUTES_FILE: "/none",
      CORE_URL: test.core.url,
      SERVICE_SECRET: secret,
      LOGGER_URL: "http://127.0.0.1:1",
      KEYCLOAK_URL: test.keycloak.url,
      KEYCLOAK_REALM: "hivematrix",
      KEYCLOAK_CLIENT_ID: "core-client",
      KEYCLOAK_CLIENT_SECRET: "the-secret-of-the-client",
      COOKIE_KEY: "a-key-for-cookies-that-is-long-enough",
      ...given.env,
    });
    test.files = { routes: test.routes(given.routes), certificate: chain, key: privateKey };
    const gateway = createGateway({
      config,
      files: test.files,
      log: createLog("nexus", "info", { write: (line) => test.log.push(line) }),
      logClient: { write: (entry) => test.lines.push(entry), close: () => Promise.resolve() },
      ...given.options,
    });
    test.#gateway = gateway;
    const [listener] = gateway.listeners;
    if (listener === undefined) throw new Error("no listener");
    listener.server.listen(0, "127.0.0.1");
    await once(listener.server, "listening");
    test.port = (listener.server.address() as AddressInfo).port;
    await until(() => test.core.followers > 0);
    return test;
  }

  /** For `use`. */
  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error("it is not started");
    return this.#gateway;
  }

  routes(further: readonly Partial<Route>[] = []): Map<string, Route> {
    const base = {
      url: this.service.url,
      visible: true,
      public: [],
      timeout: 30,
      bodyLimit: 1024,
      websocket: false,
      encodedSlash: false,
      assets: "local",
      kind: "python",
      health: "/health",
    };
    const all: Partial<Route>[] = [
      { name: "codex", title: "Codex", groups: ["admins", "technicians"] },
      { name: "helm", title: "Helm", groups: ["admins"] },
      { name: "beacon", title: "Beacon", groups: ["client"], public: ["/display"] },
      ...further,
    ];
    return new Map(all.map((route) => [route.name ?? "", { ...base, ...route } as Route]));
  }

  async close(): Promise<void> {
    const { gateway } = this;
    gateway.drain();
    for (const { server } of gateway.listeners) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await gateway.close();
    await Promise.all([this.core.close(), this.service.close(), this.keycloak.close()]);
  }

  /** The raw answer, whose body is still to be read. */
  open(path: string, ask: Ask = {}): Promise<IncomingMessage> {
    const { method = "GET", headers = {}, body, cookie } = ask;
    const own = cookie === undefined ? {} : { cookie: `__Host-hivematrix=${cookie}` };
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: "127.0.0.1",
          port: this.port,
          servername: "hive.test",
          ca: this.#ca,
          agent: false,
          method,
          path,
          headers: { host: "hive.test", ...own, ...headers },
        },
        resolve,
      );
      request.once("error", reject);
      request.end(body);
    });
  }

  async ask(path: string, ask: Ask = {}): Promise<Answer> {
    const response = await this.open(path, ask);
    const body = await buffer(response);
    return { status: response.statusCode ?? 0, headers: response.headers, body: body.toString() };
  }

  /** A connection for what no client library would send. */
  async connect(): Promise<TLSSocket> {
    const socket = connect({
      host: "127.0.0.1",
      port: this.port,
      servername: "hive.test",
      ca: this.#ca,
    });
    await once(socket, "secureConnect");
    return socket;
  }
}

/** Polls. @throws Error after 5 s */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 5 s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** `Set-Cookie` values by name. */
export function cookiesOf({ headers }: Answer): Map<string, string> {
  return new Map(
    (headers["set-cookie"] ?? []).map((text) => [text.slice(0, text.indexOf("=")), text]),
  );
}
