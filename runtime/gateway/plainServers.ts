import { createServer, type Server } from "node:http";

import type { Metrics } from "./metrics.ts";

/** Milliseconds for a request of which nothing is expected. */
const timeout = 5000;

/** `GET /metrics` for a Prometheus on this host: nobody signs in, so it listens on loopback alone. */
export function createMetricsServer(metrics: Metrics): Server {
  return createServer({ headersTimeout: timeout, requestTimeout: timeout }, (request, response) => {
    request.resume();
    const isAsked = request.url === "/metrics" && request.method === "GET";
    response.writeHead(isAsked ? 200 : 404, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
    response.end(isAsked ? metrics.render() : "not found\n");
  });
}

/**
 * Port 80: sends everybody to the same path of the public origin (weakness 41). Never to the name
 * in the request, which is the client's word.
 */
export function createRedirectServer(publicOrigin: URL): Server {
  return createServer({ headersTimeout: timeout, requestTimeout: timeout }, (request, response) => {
    request.resume();
    const target = request.url ?? "/";
    const path = /^\/(?!\/)[\x21-\x7e]*$/.test(target) ? target : "/";
    response.writeHead(308, {
      location: `${publicOrigin.origin}${path}`,
      "content-length": 0,
      connection: "close",
    });
    response.end();
  });
}
