import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { TlsOptions } from "node:tls";

import type { Listener } from "../kernel/server.ts";
import type { GatewayConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import { createMetricsServer, createRedirectServer } from "./plainServers.ts";

/** Milliseconds for the head of a request: a client that sends it byte by byte takes no longer. */
const headersTimeout = 15_000;
/** Milliseconds for a whole request: a large file over a slow line. */
const requestTimeout = 1_800_000;
/** Milliseconds between two looks at those times. */
const checkingInterval = 5000;
/** Milliseconds a connection may wait for its next request. */
const keepAliveTimeout = 60_000;
/** Milliseconds for the TLS handshake. */
const handshakeTimeout = 10_000;

/** The servers that people reach, one for each address of HOSTS. */
export function createServers(
  config: GatewayConfig,
  tls: TlsOptions,
  handler: RequestListener,
): readonly Server[] {
  return config.HOSTS.map(() =>
    createServer(
      {
        ...tls,
        handshakeTimeout,
        headersTimeout,
        requestTimeout,
        keepAliveTimeout,
        connectionsCheckingInterval: checkingInterval,
        // What is written is whole already, see transfer.ts.
        noDelay: true,
      },
      handler,
    ),
  );
}

/** Those servers, and the two without TLS where the configuration has them. */
export function listenersOf(
  config: GatewayConfig,
  servers: readonly Server[],
  metrics: Metrics,
): readonly Listener[] {
  const { HOSTS, METRICS_PORT, REDIRECT_PORT } = config;
  const publicOrigin = new URL(config.PUBLIC_ORIGIN);
  return [
    ...servers.map((server, index) => ({ server, host: HOSTS[index] ?? "" })),
    ...(METRICS_PORT === undefined
      ? []
      : [{ server: createMetricsServer(metrics), host: "127.0.0.1", port: METRICS_PORT }]),
    ...(REDIRECT_PORT === undefined
      ? []
      : HOSTS.map((host) => ({
          server: createRedirectServer(publicOrigin),
          host,
          port: REDIRECT_PORT,
          // Below 1024 only some users may.
          optional: true,
        }))),
  ];
}
