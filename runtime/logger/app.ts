import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

import Fastify, { type FastifyInstance, type HTTPMethods } from "fastify";
import type { JWTVerifyGetKey } from "jose";
import type { Pool } from "pg";

import type { Log } from "../kernel/log.ts";
import { migrate } from "../kernel/migrations.ts";
import { problemOf, ServiceError } from "../kernel/serviceError.ts";
import { Alerts } from "./alerts/alerts.ts";
import { openChannels } from "./alerts/channels.ts";
import { addAlerts } from "./alerts/route.ts";
import { findFaults } from "./alerts/rules.ts";
import { AccessLog } from "./accessLog.ts";
import { Auth, remoteKeys } from "./auth.ts";
import { Collector } from "./collector.ts";
import type { LoggerConfig } from "./config.ts";
import { Forward } from "./forward.ts";
import { addHealth } from "./health.ts";
import { addIngest } from "./ingest.ts";
import { Intake } from "./intake.ts";
import { LiveTail } from "./liveTail.ts";
import { addOtlp } from "./otlp.ts";
import { addPage } from "./page.ts";
import { Probes } from "./probes.ts";
import { addQuery } from "./query.ts";
import { setSecretNames } from "./redaction.ts";
import { diskUsage, Retention } from "./retention.ts";
import { addServices } from "./services.ts";
import { LogStore, storeFault } from "./store.ts";
import { addStream } from "./stream.ts";
import { Timer } from "./timer.ts";
import { WordIndex } from "./wordIndex.ts";

export interface LoggerOptions {
  readonly config: Pick<
    LoggerConfig,
    "CORE_URL" | "SERVICE_NAME" | "SETTINGS" | "SERVICES_FOLDER" | "HEALTH_CHECKS" | "CA_FILE"
  >;
  /** Ended by the caller, after `close`. */
  readonly pool: Pool;
  readonly log: Log;
  /** Default: those core publishes. */
  readonly keys?: JWTVerifyGetKey;
  readonly now?: () => Date;
}

export interface Logger {
  readonly app: FastifyInstance;
  readonly collector: Collector;
  /** Ends what would last for ever. */
  readonly drain: () => void;
  /** Ends timers and probes, writes the last access lines. */
  readonly close: () => Promise<void>;
}

/** Milliseconds between two times that new words are put into their index. */
const wordInterval = 1000;

/** Between two looks at the age of lines and at the disk. */
const retentionInterval = 60_000;

/** Between two looks at what alerts are about. */
const alertInterval = 15_000;

/** Between two looks at what is to be handed on. */
const forwardInterval = 2000;

/** Their requests are no lines: each would bring another one. */
const unlogged = new Set(["/health", "/api/logs/ingest", "/v1/logs"]);

/** Milliseconds between two looks for partitions that are missing. */
const partitionInterval = 3_600_000;

/**
 * The logger, not listening yet and not collecting yet; its database is brought to the newest state.
 * @throws when the database does not answer
 */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const { config, pool, log, now = () => new Date() } = options;
  const { CORE_URL, SERVICE_NAME, SERVICES_FOLDER, HEALTH_CHECKS, CA_FILE, SETTINGS } = config;
  setSecretNames(SETTINGS.secretNames);
  await migrate(pool, new URL("./migrations/", import.meta.url));
  const store = new LogStore(pool, now);
  await store.partitions.prepare();
  const partitions = new Timer("making of partitions", log, partitionInterval, () =>
    store.partitions.prepare(),
  );
  const usage = (): Promise<number | undefined> => diskUsage(SERVICES_FOLDER);
  const retention = new Retention({ pool, log, settings: SETTINGS.retention, now, usage });
  const cleaning = new Timer("retention", log, retentionInterval, () => retention.apply());

  const words = new WordIndex(pool, log, wordInterval);

  const database = (): Promise<unknown> => pool.query("SELECT 1");
  const probes = new Probes({
    checks: { core: `${CORE_URL}/health`, ...HEALTH_CHECKS },
    database,
    ca: CA_FILE === undefined ? undefined : readFileSync(CA_FILE, "utf8"),
    now,
  });
  const alerts = new Alerts({
    pool,
    log,
    find: () => findFaults({ settings: SETTINGS.alerts.rules, probes, store, usage, now }),
    channels: openChannels(SETTINGS.alerts.channels, hostname()),
    settings: SETTINGS.alerts.rules,
    now,
  });
  const checking = new Timer("alerts", log, alertInterval, () => alerts.check());
  const { forward } = SETTINGS;
  const forwarding =
    forward === undefined
      ? undefined
      : new Timer("forwarding", log, forwardInterval, () =>
          new Forward({ pool, store, ...forward }).run(),
        );
  const auth = new Auth(options.keys ?? remoteKeys(CORE_URL), SERVICE_NAME, SETTINGS.readers);
  const accessLog = new AccessLog({ service: SERVICE_NAME, store, log, now });
  const collector = new Collector({ folder: SERVICES_FOLDER, pool, store, log, now });

  const app = createApp(log);
  app.addHook("onResponse", (request, reply, done) => {
    const { url } = request.routeOptions;
    if (url === undefined || !unlogged.has(url)) accessLog.write(request, reply);
    done();
  });
  const addMissingMethods = refuseOtherMethods(app);
  addHealth(app, { name: SERVICE_NAME, probes, database, folder: SERVICES_FOLDER, now });
  const intake = new Intake();
  addIngest(app, { auth, intake, store, now });
  addOtlp(app, { auth, intake, store, now });
  addQuery(app, { auth, store, now });
  const tail = new LiveTail({ store, log });
  const drain = addStream(app, { auth, tail, now });
  addServices(app, { auth, probes, store, now });
  addAlerts(app, { auth, pool });
  addPage(app, { auth, store, probes, pool, log });
  addMissingMethods();
  await app.ready();

  const close = async (): Promise<void> => {
    await Promise.all([
      partitions.close(),
      cleaning.close(),
      checking.close(),
      forwarding?.close(),
    ]);
    await collector.close();
    drain();
    await tail.close();
    await app.close();
    await accessLog.close();
    await words.close();
    await probes.close();
  };
  return { app, collector, drain, close };
}

function createApp(log: Log): FastifyInstance {
  const app = Fastify({
    genReqId: ({ headers }) => {
      const given = headers["x-correlation-id"];
      return typeof given === "string" && /^[\w.-]{1,36}$/.test(given) ? given : randomUUID();
    },
    requestTimeout: 30_000,
    // Names that JavaScript treats in a special way are left out; the rest of a batch is kept.
    onProtoPoisoning: "remove",
    onConstructorPoisoning: "remove",
  });
  app.decorateRequest("claims", null);
  app.decorateRequest("visible", null);
  app.addHook("onRequest", (request, reply, done) => {
    void reply.headers({ "x-correlation-id": request.id, "x-content-type-options": "nosniff" });
    done();
  });
  app.setNotFoundHandler(() => {
    throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
  });
  app.setErrorHandler((fault, request, reply) => {
    const known = clientFault(fault) ?? storeFault(fault);
    const { status, headers, body } = problemOf(known, request.url.replace(/\?.*/s, ""));
    if (status >= 500) log.error({ err: fault, request_id: request.id }, "a request failed");
    // A string would get a charset, which this media type does not have (RFC 9457).
    return reply
      .code(status)
      .headers(headers)
      .send(Buffer.from(JSON.stringify(body)));
  });
  return app;
}

/** What Fastify itself refuses: no JSON, too large, another media type. */
function clientFault(fault: unknown): ServiceError | undefined {
  const { code, statusCode } = fault as { code?: string; statusCode?: number };
  if (/^(Z|ZSTD)_|^ERR_(STREAM|_ZLIB)|^ERR_ZSTD/.test(code ?? "")) {
    const message = "The body cannot be decompressed";
    return new ServiceError(400, "ERR_BODY_ENCODING", message, { members: { error: message } });
  }
  if (code?.startsWith("FST_ERR_") !== true || statusCode === undefined) return undefined;
  if (statusCode < 400 || statusCode >= 500) return undefined;
  const message = (fault as Error).message;
  return new ServiceError(statusCode, `ERR_${code.slice(8)}`, message, {
    members: { error: message },
  });
}

const methods: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** 405 for a path that has other methods; call what is returned after the last route. */
function refuseOtherMethods(app: FastifyInstance): () => void {
  const found = new Map<string, Set<HTTPMethods>>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = found.get(url) ?? new Set<HTTPMethods>();
    for (const one of [method].flat()) known.add(one);
    found.set(url, known);
  });
  return () => {
    for (const [url, known] of [...found]) {
      const allow = [...known].sort().join(", ");
      const others = methods.filter((method) => !known.has(method));
      const onRequest = (): never => {
        throw new ServiceError(405, "ERR_METHOD_NOT_ALLOWED", `Only ${allow} here.`, {
          headers: { allow },
        });
      };
      app.route({ method: others, url, onRequest, handler: onRequest });
    }
  };
}
