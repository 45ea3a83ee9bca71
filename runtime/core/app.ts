import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";

import fastify, { type FastifyInstance } from "fastify";
import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { LogClient } from "../kernel/logClient.ts";
import { migrate } from "../kernel/migrations.ts";
import { logAccess } from "./accessLog.ts";
import { AuditLog } from "./auditLog.ts";
import { Assertions } from "./assertions.ts";
import { acceptBodies, bodyLimit } from "./body.ts";
import { BusyLog } from "./busyLog.ts";
import { createBusyPaths, type Quick, requestId } from "./busyPaths.ts";
import { CallerProof } from "./callerProof.ts";
import { Callers, unauthenticated } from "./callers.ts";
import type { CoreConfig } from "./config.ts";
import { ConnectionOwners } from "./connectionOwners.ts";
import { Events } from "./events.ts";
import { answerFaults } from "./faults.ts";
import { Health } from "./health.ts";
import { KnownSessions } from "./knownSessions.ts";
import { Limits } from "./limits.ts";
import { addLogoutApi } from "./logoutApi.ts";
import { Keycloak } from "./keycloak.ts";
import { Notifications } from "./notifications.ts";
import { addOpenApi } from "./openApi.ts";
import { Seal } from "./seal.ts";
import { serviceClaims } from "./serviceToken.ts";
import { addServiceTokenApi } from "./serviceTokenApi.ts";
import { addSessionApi } from "./sessionApi.ts";
import { Sessions } from "./sessions.ts";
import { SessionStore } from "./sessionStore.ts";
import { SigningKeys } from "./signingKeys.ts";
import { addTokenApi } from "./tokenApi.ts";

export interface CoreOptions {
  readonly config: CoreConfig;
  /** Of core's own database; ended by whoever made it, after `close`. */
  readonly pool: Pool;
  readonly log: Log;
  /** Milliseconds since 1970; default Date.now. */
  readonly clock?: () => number;
  /** Default the global one. */
  readonly fetch?: typeof fetch;
}

export interface Core {
  readonly app: FastifyInstance;
  /** Ends the streams, which would last for ever. */
  readonly drain: () => void;
  /** Deletes what has expired; done every minute anyway. */
  readonly prune: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Milliseconds until what has expired is deleted. */
const pruneInterval = 60_000;

/** Tokens and sessions of the platform. Brings the database to its newest state first. */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { config, pool, log, clock = Date.now, fetch = globalThis.fetch } = options;
  await migrate(pool, new URL("./migrations/", import.meta.url));

  const secret = config.ENCRYPTION_KEY;
  const keys = await SigningKeys.open({ pool, secret, clock, log });
  const callers = new Callers(config.CALLER_SECRETS);
  const keycloak = new Keycloak({
    url: config.KEYCLOAK_URL,
    realm: config.KEYCLOAK_REALM,
    issuer: config.KEYCLOAK_ISSUER,
    clientId: config.KEYCLOAK_CLIENT_ID,
    clientSecret: config.KEYCLOAK_CLIENT_SECRET,
    clock,
    fetch,
  });
  const access = createAccessClient(config, keys, clock, fetch);
  const audit = new AuditLog({ pool, clock, log, copy: access });
  const note = audit.note.bind(audit);
  const assertions = new Assertions({ keys: config.CALLER_KEYS, pool, clock });
  const owners = new ConnectionOwners({ users: config.CALLER_USERS, log });
  const notifications = new Notifications(pool, log);
  const known = new KnownSessions({
    isTold: () => notifications.isCurrent,
    keys: () => keys.version,
    clock,
  });
  const store = new SessionStore(pool, (id) => {
    known.forget(id);
  });
  const sessions = new Sessions({
    store,
    keys,
    keycloak,
    seal: new Seal(secret, "sessions"),
    clock,
    log,
    lifetime: config.SESSION_LIFETIME,
    tokenLifetime: config.USER_TOKEN_LIFETIME,
    idle: config.SESSION_IDLE,
    refreshAfter: config.REFRESH_AFTER,
    note,
  });
  const events = new Events({ pool, clock, log });
  const health = new Health({ pool, keycloak, clock });
  notifications.on("events", () => {
    events.wake();
  });
  notifications.on("sessions", (id) => {
    // None in particular: any may have changed.
    if (id === undefined || id === "") known.clear();
    else known.forget(id);
  });
  notifications.on("audit_log", () => void audit.copyNew());
  notifications.on("signing_keys", () => void keys.reload());
  await notifications.start();
  const prune = async (): Promise<void> => {
    await Promise.all([
      keys.prune(),
      store.prune(new Date(clock())),
      events.prune(),
      assertions.prune(),
    ]);
  };
  const pruning = setInterval(() => {
    prune().catch((fault: unknown) => {
      log.warn({ err: fault }, "what has expired was not deleted");
    });
  }, pruneInterval).unref();

  const quick: Record<string, Quick> = {};
  const busyLog = new BusyLog(access);
  const stripProof = (request: IncomingMessage): string => callers.stripProof(request);
  const pathOf = (request: IncomingMessage): string | undefined => {
    const path = callers.stripProof(request);
    return callers.isFalse(request) ? undefined : path;
  };
  const app = fastify({
    // Its own lines would have the path with a caller's secret.
    logger: false,
    bodyLimit,
    genReqId: correlate,
    rewriteUrl: stripProof,
    serverFactory: (ordinary) =>
      createServer(
        { requestTimeout: 15_000, keepAliveTimeout: 72_000 },
        createBusyPaths({ quick, pathOf, ordinary, note: busyLog.note }),
      ),
  });
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({ "x-correlation-id": request.id, "cache-control": "no-store" });
    if (callers.isFalse(request.raw)) throw unauthenticated();
    done();
  });
  answerFaults(app, log);
  acceptBodies(app);
  if (access !== undefined) logAccess(app, access);

  app.get("/", (_request, reply) => reply.type("text/plain").send("HiveMatrix core\n"));
  app.get("/health", async (_request, reply) => {
    const report = await health.report();
    return reply.code(report.status === "unhealthy" ? 503 : 200).send(report);
  });
  owners.watch(app.server);
  const limits = new Limits(clock);
  const proof = new CallerProof({
    callers,
    assertions,
    owners,
    unproven: config.UNPROVEN_CALLERS,
    gateway: config.GATEWAY_NAME,
    note,
  });
  quick["/service-token"] = addServiceTokenApi(app, {
    keys,
    callers,
    proof,
    clock,
    audit,
    limits,
    config,
  });
  quick["/api/token/validate"] = addTokenApi(app, { keys, sessions, clock, limits, known });
  addLogoutApi(app, sessions);
  addOpenApi(app, { keys, sessions, clock });
  addSessionApi(app, { sessions, events, callers, gateway: config.GATEWAY_NAME });
  await app.ready();

  return {
    app,
    drain: () => {
      events.endStreams();
    },
    prune,
    close: async () => {
      clearInterval(pruning);
      events.close();
      keys.close();
      notifications.close();
      await app.close();
      busyLog.close();
      await audit.close();
      await access?.close();
    },
  };
}

function correlate(request: { readonly headers: IncomingMessage["headers"] }): string {
  const given = request.headers["x-correlation-id"];
  return typeof given === "string" && requestId.test(given) ? given : randomUUID();
}

function createAccessClient(
  { LOGGER_URL: url, LOGGER_NAME: logger }: CoreConfig,
  keys: SigningKeys,
  clock: () => number,
  fetch: typeof globalThis.fetch,
): LogClient | undefined {
  if (url === undefined) return undefined;
  const token = (): Promise<string> =>
    keys.sign(serviceClaims("core", logger, Math.floor(clock() / 1000)));
  return new LogClient({ url, service: "core", token, fetch });
}
