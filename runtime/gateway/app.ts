import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { createSecureContext, type SecureContextOptions } from "node:tls";

import { LogClient, type Log } from "../kernel/log.ts";
import type { Listener } from "../kernel/server.ts";
import { logAccess } from "./accessLog.ts";
import { createAnswers } from "./answers.ts";
import { assetVersion } from "./assets.ts";
import type { GatewayConfig } from "./config.ts";
import { createCoreClient, type CoreClient } from "./coreClient.ts";
import { createDispatcher } from "./dispatcher.ts";
import { followEvents } from "./eventStream.ts";
import { createExchange } from "./exchange.ts";
import { causesOf, isWorthALine } from "./faultLog.ts";
import { createHealth } from "./health.ts";
import { createHome } from "./home.ts";
import { createKeycloakProxy } from "./keycloakProxy.ts";
import { addressKey } from "./location.ts";
import { createLoginStates } from "./loginState.ts";
import { createProxy } from "./proxy.ts";
import type { Routes } from "./routes.ts";
import { createServiceProxy } from "./serviceProxy.ts";
import { SessionCache } from "./sessionCache.ts";
import { createSignIn } from "./signIn.ts";
import { createSignOut } from "./signOut.ts";
import { createStaticFiles } from "./staticFiles.ts";
import { Upstreams, type UpstreamsOptions } from "./upstreams.ts";
import { createVisitors } from "./visitor.ts";

/** What is read from files, and again at SIGHUP. */
export interface GatewayFiles {
  readonly routes: Routes;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
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
  /** Bytes of a request. Default 1 GiB. */
  readonly bodyLimit?: number;
}

export interface Gateway {
  readonly handler: RequestListener;
  /** One for each address of HOSTS; not listening yet. */
  readonly listeners: readonly Listener[];
  /** Takes up other files, without a pause. @throws Error when certificate and key do not fit; nothing changes then */
  readonly use: (files: GatewayFiles) => void;
  /** Ends what would last for ever, before the servers are closed. */
  readonly drain: () => void;
  readonly close: () => Promise<void>;
}

/** Milliseconds for the head of a request. */
const headersTimeout = 15_000;
/** Milliseconds for a whole request: a large file over a slow line. */
const requestTimeout = 1_800_000;

export function createGateway(options: GatewayOptions): Gateway {
  const { config, log, fetch = globalThis.fetch, now = Date.now, bodyLimit = 2 ** 30 } = options;
  const publicOrigin = new URL(config.PUBLIC_ORIGIN);
  let { routes } = options.files;
  let inner = innerAddresses(config, routes);
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

  const sessions = new SessionCache({ core, now });
  const unfollow = followEvents({ core, sessions, log });
  const upstreams = new Upstreams(options.upstreams);
  const proxy = createProxy({ upstreams, publicOrigin, log, bodyLimit });
  const answers = createAnswers({ publicOrigin, routes: () => routes });
  const visitors = createVisitors(sessions, answers);
  const states = createLoginStates(config.COOKIE_KEY, now);
  const dispatch = createDispatcher({
    publicOrigin,
    answers,
    health: createHealth({ config, answers, fetch, now }),
    home: createHome(() => routes, visitors, answers),
    keycloak: createKeycloakProxy({ config, inner: () => inner, proxy }),
    service: createServiceProxy({
      publicOrigin,
      routes: () => routes,
      inner: () => inner,
      visitors,
      sessions,
      answers,
      proxy,
      version: assetVersion,
      now,
    }),
    signIn: createSignIn({ config, core, sessions, states, answers, log, fetch }),
    signOut: createSignOut({ config, core, sessions, answers, log }),
    staticFiles: createStaticFiles(answers, assetVersion),
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = createExchange(request, response, randomUUID());
    logAccess(exchange, logClient, now);
    try {
      await dispatch(exchange);
    } catch (fault) {
      if (isWorthALine(fault)) {
        log.warn({ trace_id: exchange.id, causes: causesOf(fault) }, "a request failed");
      }
      answers.fault(exchange, fault);
    }
  }

  const handler: RequestListener = (request, response) => {
    void handle(request, response);
  };
  const servers = config.HOSTS.map((host) => {
    const server = createServer(
      {
        ...tlsOptions(options.files),
        headersTimeout,
        requestTimeout,
        keepAliveTimeout: 60_000,
      },
      handler,
    );
    return { server, host };
  });

  return {
    handler,
    listeners: servers,
    use(files) {
      createSecureContext(tlsOptions(files));
      for (const { server } of servers) server.setSecureContext(tlsOptions(files));
      routes = files.routes;
      inner = innerAddresses(config, routes);
      upstreams.keep(new Set([config.KEYCLOAK_URL, ...[...routes.values()].map(({ url }) => url)]));
    },
    drain: proxy.drain,
    async close() {
      unfollow();
      await upstreams.close();
      await logClient.close();
    },
  };
}

function tlsOptions({ certificate, key }: GatewayFiles): SecureContextOptions {
  return { cert: certificate, key, minVersion: "TLSv1.2" };
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
