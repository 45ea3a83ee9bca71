import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import pg from "pg";
import { pino } from "pino";

import { createLogger, type Logger } from "../../../runtime/logger/app.ts";
import type { Readers } from "../../../runtime/logger/auth.ts";
import { poolOptions } from "../../../runtime/logger/pool.ts";
import { loggerSettings } from "../../../runtime/logger/settings.ts";
import { createDatabase, type TestDatabase } from "../../support/postgres.ts";

/** The time that the loggers of the tests have, unless they set another. */
export const frozen = new Date("2026-11-24T10:00:00.000Z");

export const quiet = pino({ level: "silent" });

/** What core is to the logger: published keys, and tokens signed with them. */
export class TestCore {
  readonly server: Server;
  readonly url: string;
  /** Status of every answer. */
  status = 200;
  #keys: object[] = [];
  #key: CryptoKey | undefined;
  #kid = "";

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    server.on("request", (request, response) => {
      const keys = request.url === "/.well-known/jwks.json";
      response.writeHead(this.status, { "content-type": "application/json" });
      response.end(JSON.stringify(keys ? { keys: this.#keys } : {}));
    });
  }

  static async start(): Promise<TestCore> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const core = new TestCore(server);
    await core.rotate("first");
    return core;
  }

  /** Publishes another key and signs with it. */
  async rotate(kid: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    this.#keys = [{ ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" }];
    this.#key = privateKey;
    this.#kid = kid;
  }

  async user(level: string, claims: object = {}): Promise<string> {
    return await this.sign({ sub: "u-1", permission_level: level, jti: "s", ...claims });
  }

  async service(calling: string, target = "helm"): Promise<string> {
    return await this.sign({
      sub: `service:${calling}`,
      calling_service: calling,
      target_service: target,
      type: "service",
    });
  }

  async sign(claims: Record<string, unknown>): Promise<string> {
    if (this.#key === undefined) throw new Error("no key");
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({ iss: "hivematrix-core", iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: this.#kid, typ: "JWT" })
      .sign(this.#key);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

/** A logger that listens, with a database and a folder of services of its own. */
export class TestLogger {
  readonly core: TestCore;
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  /** Of the supervisor's services. */
  readonly folder: string;
  readonly logger: Logger;
  readonly url: string;

  private constructor(
    parts: Pick<TestLogger, "core" | "database" | "pool" | "folder" | "logger" | "url">,
  ) {
    this.core = parts.core;
    this.database = parts.database;
    this.pool = parts.pool;
    this.folder = parts.folder;
    this.logger = parts.logger;
    this.url = parts.url;
  }

  static async start(
    checks: Record<string, string> = {},
    now = () => frozen,
    readers: Readers = {},
  ): Promise<TestLogger> {
    const core = await TestCore.start();
    const database = await createDatabase();
    const pool = poolOf(database);
    const folder = mkdtempSync(join(tmpdir(), "logger-"));
    const config = {
      CORE_URL: core.url,
      SERVICE_NAME: "helm",
      SERVICES_FOLDER: folder,
      SETTINGS: loggerSettings.parse({ readers }),
      HEALTH_CHECKS: checks,
      CA_FILE: undefined,
    };
    const logger = await createLogger({ config, pool, log: quiet, now });
    const { server } = logger.app;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    return new TestLogger({ core, database, pool, folder, logger, url });
  }

  async request(path: string, token?: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return await fetch(this.url + path, { ...init, headers });
  }

  async ingest(body: unknown, token: string): Promise<Response> {
    return await this.request("/api/logs/ingest", token, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Rows in the order they were stored; the logger's own come whenever they like. */
  async rows(own = false): Promise<Record<string, unknown>[]> {
    const { rows } = await this.pool.query<Record<string, unknown>>(
      `SELECT *, timestamp::text AS timestamp FROM log_entries
       WHERE (service_name = 'helm') = $1 ORDER BY id`,
      [own],
    );
    return rows;
  }

  async stop(): Promise<void> {
    const { server } = this.logger.app;
    server.closeAllConnections();
    server.close();
    await this.logger.close();
    await this.pool.end();
    await this.core.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/** As main.ts makes it. */
export function poolOf({ host, port, database, user, password }: TestDatabase): pg.Pool {
  const pool = new pg.Pool(
    poolOptions({
      DB_HOST: host,
      DB_PORT: port,
      DB_NAME: database,
      DB_USER: user,
      DB_PASSWORD: password,
    }),
  );
  pool.on("error", () => undefined);
  return pool;
}

/** Asks until the answer is a truthy one; 10 seconds at most. */
export async function eventually<T>(ask: () => Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error("It did not happen within 10 seconds");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
