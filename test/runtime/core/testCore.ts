import { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { type Core, createCore } from "../../../runtime/core/app.ts";
import { type CoreEnv, readCoreConfig } from "../../../runtime/core/config.ts";
import type { Session } from "../../../runtime/core/sessions.ts";
import { createLog } from "../../../runtime/kernel/log.ts";
import { type RealmUser, TestRealm } from "../../support/identity.ts";
import { createDatabase, type TestDatabase } from "../../support/postgres.ts";

/** Secrets of the callers; `nexus` is the gateway. */
export const secrets = {
  nexus: "nexus-secret-0123456789-0123456789",
  codex: "codex-secret-0123456789-0123456789",
  helm: "helm-secret-0123456789-01234567890",
};

export type Caller = keyof typeof secrets;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AskOptions {
  readonly caller?: Caller;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly raw?: string;
}

/** Time of a test; it stands still until it is set forward. */
export class TestClock {
  now = Math.floor(Date.now() / 1000) * 1000;

  readonly read = (): number => this.now;

  forward(seconds: number): void {
    this.now += seconds * 1000;
  }
}

/** A realm, a database and as many cores on both as a test wants. */
export class TestPlatform {
  readonly clock: TestClock;
  readonly realm: TestRealm;
  readonly database: TestDatabase;
  readonly #cores: TestCore[] = [];

  private constructor(clock: TestClock, realm: TestRealm, database: TestDatabase) {
    this.clock = clock;
    this.realm = realm;
    this.database = database;
  }

  static async start(): Promise<TestPlatform> {
    const clock = new TestClock();
    const realm = await TestRealm.start({ clock: clock.read });
    return new TestPlatform(clock, realm, await createDatabase());
  }

  env(): CoreEnv {
    const { realm, database } = this;
    return {
      PORT: 1,
      DB_HOST: database.host,
      DB_PORT: database.port,
      DB_NAME: database.database,
      DB_USER: database.user,
      DB_PASSWORD: database.password,
      KEYCLOAK_URL: realm.url,
      KEYCLOAK_REALM: realm.realm,
      KEYCLOAK_ISSUER: realm.issuer,
      KEYCLOAK_CLIENT_ID: realm.clientId,
      KEYCLOAK_CLIENT_SECRET: realm.clientSecret,
      ENCRYPTION_KEY: "an encryption key of 32 letters or more",
      GATEWAY_NAME: "nexus",
      CALLER_SECRETS: JSON.stringify(secrets),
    };
  }

  async core(changes: Partial<CoreEnv> = {}): Promise<TestCore> {
    const core = await TestCore.start(this, changes);
    this.#cores.push(core);
    return core;
  }

  async close(): Promise<void> {
    await Promise.all(this.#cores.map((core) => core.close()));
    await this.realm.close();
  }
}

/** A core that listens on a free port. */
export class TestCore {
  readonly url: string;
  /** Lines of its log. */
  readonly lines: string[];
  readonly #platform: TestPlatform;
  readonly #core: Core;
  #closed = false;

  private constructor(platform: TestPlatform, core: Core, url: string, lines: string[]) {
    this.#platform = platform;
    this.#core = core;
    this.url = url;
    this.lines = lines;
  }

  static async start(platform: TestPlatform, changes: Partial<CoreEnv>): Promise<TestCore> {
    const lines: string[] = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    const env = { ...platform.env(), ...changes } as Record<string, string>;
    const core = await createCore({
      config: readCoreConfig(env),
      pool: platform.database.pool,
      log: createLog("core", "debug", destination),
      clock: platform.clock.read,
    });
    const url = await core.app.listen({ host: "127.0.0.1", port: 0 });
    return new TestCore(platform, core, url, lines);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.app.server.closeAllConnections();
    await this.#core.close();
  }

  drain(): void {
    this.#core.drain();
  }

  prune(): Promise<void> {
    return this.#core.prune();
  }

  get(path: string, options: AskOptions = {}): Promise<Answer> {
    return this.ask("GET", path, undefined, options);
  }

  post(path: string, body?: unknown, options: AskOptions = {}): Promise<Answer> {
    return this.ask("POST", path, body, options);
  }

  async ask(
    method: string,
    path: string,
    body: unknown,
    { caller, headers = {}, raw }: AskOptions,
  ): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(caller === undefined ? {} : { authorization: basic(caller, secrets[caller]) }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(raw === undefined ? {} : { body: raw }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    const parsed = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, text, body: parsed };
  }

  /** Signs a user in at the realm and begins a session as the gateway does. */
  async begin(user: RealmUser): Promise<{ cookie: string; session: Session }> {
    const tokens = await this.#platform.realm.signIn(user);
    const { status, body } = await this.post("/v1/sessions", tokens, { caller: "nexus" });
    if (status !== 201) throw new Error(`begin: ${String(status)} ${JSON.stringify(body)}`);
    return body as unknown as { cookie: string; session: Session };
  }

  resolve(cookie: string): Promise<Answer> {
    return this.post("/v1/sessions/resolve", { cookie }, { caller: "nexus" });
  }

  validate(token: string): Promise<Answer> {
    return this.post("/api/token/validate", { token });
  }

  /** Listens to the events as the gateway does. */
  async listen(after?: number): Promise<TestStream> {
    const abort = new AbortController();
    const response = await fetch(`${this.url}/v1/events`, {
      headers: {
        authorization: basic("nexus", secrets.nexus),
        ...(after === undefined ? {} : { "last-event-id": String(after) }),
      },
      signal: abort.signal,
    });
    if (response.body === null) throw new Error("The stream has no body");
    return new TestStream(response, abort);
  }
}

export interface TestEvent {
  readonly event: string;
  readonly id: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An open event stream. */
export class TestStream {
  readonly response: Response;
  readonly #abort: AbortController;
  readonly #events: AsyncGenerator<TestEvent>;

  constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.#events = readEvents(response);
  }

  /** Waits for the next event; mocha's limit is the deadline. */
  async next(): Promise<TestEvent> {
    const result = await this.#events.next();
    if (result.done === true) throw new Error("The stream has ended");
    return result.value;
  }

  close(): void {
    this.#abort.abort();
  }
}

async function* readEvents(response: Response): AsyncGenerator<TestEvent, undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => {
          const [name = "", ...rest] = line.split(": ");
          return [name, rest.join(": ")] as const;
        }),
      );
      const event = fields.get("event");
      if (event === undefined) continue;
      const data = JSON.parse(fields.get("data") ?? "{}") as Record<string, unknown>;
      yield { event, id: Number(fields.get("id")), data };
    }
  }
  return undefined;
}

export function basic(name: string, secret: string): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
}

/** The claims of a token, not checked. */
export function claimsOf(token: string): Record<string, unknown> {
  return part(token, 1);
}

export function headerOf(token: string): Record<string, unknown> {
  return part(token, 0);
}

function part(token: string, index: number): Record<string, unknown> {
  const text = Buffer.from(token.split(".")[index] ?? "", "base64url").toString();
  return JSON.parse(text) as Record<string, unknown>;
}

/** Polls until something holds; mocha's limit is the deadline. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await delay(20);
  }
}
