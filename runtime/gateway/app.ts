import { randomUUID } from "node:crypto";
import { type IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";

import type { Log } from "../kernel/log.ts";
import { LogClient } from "../kernel/logClient.ts";
import type { Listener } from "../kernel/server.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import { logAccess, writeAccess } from "./accessLog.ts";
import { ApiClients } from "./apiClients.ts";
import { createAnswers } from "./answers.ts";
import { assetVersion } from "./assets.ts";
import type { GatewayConfig } from "./config.ts";
import { limitConnections } from "./connectionLimit.ts";
import { createCoreClient, type CoreClient } from "./coreClient.ts";
import { createDesign } from "./design.ts";
import { createDispatcher } from "./dispatcher.ts";
import { followEvents } from "./eventStream.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import { causesOf, isWorthALine } from "./faultLog.ts";
import { createGate } from "./gate.ts";
import { createHealth, isProbe } from "./health.ts";
import { createHome } from "./home.ts";
import { createKeycloakProxy } from "./keycloakProxy.ts";
import { createServers, listenersOf } from "./listeners.ts";
import { addressKey } from "./location.ts";
import { createLoginStates } from "./loginState.ts";
import { Metrics } from "./metrics.ts";
import { createPageReports } from "./pageReports.ts";
import { createPreferences } from "./preferences.ts";
import { createProxy } from "./proxy.ts";
import { addressGroup, RateLimit } from "./rateLimit.ts";
import type { Routes } from "./routes.ts";
import { createServiceProxy } from "./serviceProxy.ts";
import { SessionCache } from "./sessionCache.ts";
import { createSessionWatch } from "./sessionWatch.ts";
import { createSessionsPage } from "./sessionsPage.ts";
import { createSignIn } from "./signIn.ts";
import { createSignOut } from "./signOut.ts";
import { createStaticFiles, faviconPath } from "./staticFiles.ts";
import { type Backend, Upstreams, type UpstreamsOptions } from "./upstreams.ts";
import { createVisitors } from "./visitor.ts";
import { createWebSockets, refuseUpgrade } from "./webSocket.ts";

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What is read from files, and again at SIGHUP. */
export interface GatewayFiles extends KeyPair {
  readonly routes: Routes;
  /** For who asks for localhost; default what everybody gets. */
  readonly local?: KeyPair | undefined;
}

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly files: GatewayFiles;
  readonly log: Log;
  readonly core?: CoreClient;
  readonly logClient?: Pick<LogClient, "write" | "close">;
  readonly fetch?: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly upstreams?: UpstreamsOptions;
  /** Bytes of a request, for every service. Default: what the registry says of each. */
  readonly bodyLimit?: number;
  /** Milliseconds without a byte of an answer. Default 300000. */
  readonly idleTimeout?: number;
  /** Milliseconds for which a client may read nothing. Default 60000. */
  readonly stallTimeout?: number;
}

export interface Gateway {
  /** Not listening yet; the first of them are those of HOSTS. */
  readonly listeners: readonly Listener[];
  readonly metrics: Metrics;
  /** Takes up other files, without a pause. @throws Error when certificate and key do not fit; nothing changes then */
  readonly use: (files: GatewayFiles) => void;
  /** Ends what would last for ever, before the servers are closed. */
  readonly drain: () => void;
  readonly close: () => Promise<void>;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { config, log, fetch = globalThis.fetch, now = Date.now } = options;
  const publicOrigin = new URL(config.PUBLIC_ORIGIN);
  let files = options.files;
  let local = localContext(files);
  let inner = innerAddresses(config, files.routes);
  const routes = () => files.routes;
  const core =
    options.core ??
    createCoreClient({
      url: config.CORE_URL,
      name: config.SERVICE_NAME,
      secret: config.SERVICE_SECRET,
      fetch,
      now,
    });
  const logClient =
    options.logClient ??
    new LogClient({
      url: config.LOGGER_URL,
      service: config.SERVICE_NAME,
      token: (renew) => core.serviceToken(config.LOGGER_NAME, renew),
      fetch,
    });

  const metrics = new Metrics();
  const limited = metrics.counter("rate_limited", "Requests refused for their number.");
  const refused = metrics.counter(
    "connections_refused",
    "Connections over the limit of an address.",
  );
  const perMinute = (most: number) => new RateLimit({ perMinute: most, now });
  const addressLimit = perMinute(config.REQUESTS_PER_ADDRESS);
  const signInLimit = perMinute(config.SIGN_INS_PER_ADDRESS);
  const limitSignIn = (address: string): void => {
    signInLimit.take(addressGroup(address));
  };

  const sessions = new SessionCache({ core, now });
  const unfollow = followEvents({ core, sessions, log });
  const upstreams = new Upstreams({
    onCircuit: (origin, isOpen) => {
      log.warn({ origin }, isOpen ? "a service is down: not asked" : "a service is back");
    },
    ...options.upstreams,
  });
  upstreams.keep(backends(config, files.routes));
  const { bodyLimit, idleTimeout, stallTimeout } = options;
  const proxy = createProxy({
    upstreams,
    publicOrigin,
    log,
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(stallTimeout === undefined ? {} : { stallTimeout }),
  });
  const preferences = createPreferences({ core, routes, fetch, now });
  const answers = createAnswers({
    publicOrigin,
    routes,
    look: (session) => {
      const look = preferences.look(session);
      return look instanceof Promise ? undefined : look;
    },
  });
  const visitors = createVisitors({
    sessions,
    apiClients: new ApiClients({ core, now }),
    answers,
    publicOrigin,
    limit: perMinute(config.REQUESTS_PER_USER),
  });
  const gate = createGate({ publicOrigin, routes, visitors });
  const watch = createSessionWatch(sessions, now);
  const webSockets = createWebSockets({ publicOrigin, gate, watch, log });
  const states = createLoginStates(config.COOKIE_KEY, now);
  const staticFiles = createStaticFiles(answers, assetVersion);
  const { read, dispatch } = createDispatcher({
    publicOrigin,
    routes,
    answers,
    health: createHealth({ config, answers, fetch, now, isReady: () => sessions.told }),
    home: createHome({ routes, visitors, preferences, answers }),
    design: createDesign(visitors, answers),
    sessions: createSessionsPage({ core, visitors, answers, publicOrigin }),
    favicon: (exchange, path) => {
      staticFiles(exchange, { ...path, raw: faviconPath });
    },
    pageReports: createPageReports({ routes, answers, log, now }),
    forgetLook: async (exchange) => {
      const session = await visitors.find(exchange);
      if (session !== undefined) preferences.forget(session);
      answers.json(exchange, 200, { success: true, message: "Cache invalidated" });
    },
    keycloak: createKeycloakProxy({ config, inner: () => inner, proxy, log, limit: limitSignIn }),
    service: createServiceProxy({
      publicOrigin,
      routes,
      inner: () => inner,
      gate,
      watch,
      preferences,
      answers,
      proxy,
      version: assetVersion,
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
    }),
    signIn: createSignIn({
      config,
      core,
      sessions,
      states,
      answers,
      log,
      fetch,
      limit: limitSignIn,
    }),
    signOut: createSignOut({ config, core, sessions, answers, log }),
    staticFiles,
  });

  function note(exchange: Exchange, fault: unknown): void {
    if (fault instanceof ServiceError && fault.status === 429) limited();
    if (isWorthALine(fault)) {
      log.warn({ trace_id: exchange.id, causes: causesOf(fault) }, "a request failed");
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = createExchange(request, response, randomUUID());
    logAccess(exchange, logClient, metrics, now);
    try {
      if (!isProbe(exchange.instance)) addressLimit.take(addressGroup(exchange.address));
      await dispatch(exchange);
    } catch (fault) {
      note(exchange, fault);
      answers.fault(exchange, fault);
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    // Nothing is ever written to it; what has to be said goes to the bare connection.
    const nowhere = new ServerResponse(request);
    const exchange = { ...createExchange(request, nowhere, randomUUID()), navigation: false };
    const begin = now();
    let status = 101;
    try {
      addressLimit.take(addressGroup(exchange.address));
      await webSockets.open(exchange, read(exchange), socket, head);
    } catch (fault) {
      note(exchange, fault);
      status = refuseUpgrade(socket, fault, exchange.instance, exchange.id);
    }
    writeAccess(exchange, status, now() - begin, logClient, metrics);
  }

  const handler: RequestListener = (request, response) => {
    void handle(request, response);
  };
  const servers = createServers(
    config,
    {
      ...tlsOptions(files),
      SNICallback: (name, answer) => {
        answer(null, name === "localhost" ? local : undefined);
      },
    },
    handler,
  );
  for (const server of servers) {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void upgrade(request, socket, head);
    });
  }
  const connections = limitConnections(servers, config.CONNECTIONS_PER_ADDRESS, refused);
  metrics.gauge("connections", "Connections of clients.", connections);
  metrics.gauge("requests_active", "Requests on their way to a service.", proxy.active);
  metrics.gauge("websockets", "Open WebSockets.", webSockets.active);
  metrics.gauge("sessions", "Sessions known here.", () => sessions.size);
  metrics.gauge("services_down", "Services that are not asked.", () => upstreams.down.length);
  metrics.gauge("core_heard", "Whether core tells of ended sessions.", () => Number(sessions.told));

  return {
    listeners: listenersOf(config, servers, metrics),
    metrics,
    use(next) {
      createSecureContext(tlsOptions(next));
      local = localContext(next);
      for (const server of servers) server.setSecureContext(tlsOptions(next));
      files = next;
      inner = innerAddresses(config, next.routes);
      upstreams.keep(backends(config, next.routes));
    },
    drain() {
      proxy.drain();
      webSockets.drain();
    },
    async close() {
      unfollow();
      proxy.close();
      await upstreams.close();
      await logClient.close();
    },
  };
}

function localContext({ local }: GatewayFiles): SecureContext | undefined {
  return local === undefined ? undefined : createSecureContext(tlsOptions(local));
}

function tlsOptions({ certificate, key }: KeyPair): SecureContextOptions {
  return { cert: certificate, key, minVersion: "TLSv1.2" };
}

function backends(config: GatewayConfig, routes: Routes): Backend[] {
  return [{ url: config.KEYCLOAK_URL, health: "/" }, ...routes.values()];
}

/** Where the addresses that backends know themselves by lie outside. */
function innerAddresses(config: GatewayConfig, routes: Routes): ReadonlyMap<string, string> {
  const key = (address: string) => addressKey(new URL(address));
  return new Map([
    [key(config.KEYCLOAK_URL), "/keycloak"],
    ...[...routes.values()].map(({ url, name }): [string, string] => [key(url), `/${name}`]),
    [key(config.PUBLIC_ORIGIN), ""],
  ]);
}
