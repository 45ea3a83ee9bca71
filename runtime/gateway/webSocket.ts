import { type IncomingMessage, request as httpRequest, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

import type { Log } from "../kernel/log.ts";
import { problemOf, ServiceError } from "../kernel/serviceError.ts";
import { isCrossOrigin, type Exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import { requestHeaders } from "./requestHeaders.ts";
import type { RequestPath } from "./requestPath.ts";
import type { SessionWatch } from "./sessionWatch.ts";
import { Tally } from "./tally.ts";
import { upstreamFault } from "./upstreamFault.ts";
import { closeCodes, closeFrame, FrameStream } from "./webSocketFrames.ts";

export interface WebSocketOptions {
  readonly publicOrigin: URL;
  readonly gate: Gate;
  readonly watch: SessionWatch;
  readonly log: Log;
  /** WebSockets of one user at a time. Default 50. */
  readonly most?: number;
}

export interface WebSockets {
  /** Takes over the connection. @throws ServiceError what is said instead of 101 */
  readonly open: (
    exchange: Exchange,
    path: RequestPath,
    socket: Duplex,
    head: Buffer,
  ) => Promise<void>;
  readonly active: () => number;
  /** Tells all clients to connect again (1012). */
  readonly drain: () => void;
}

/** Milliseconds for the two ends to part after a Close frame. */
const partingTime = 2000;

/**
 * WebSockets (RFC 6455) to services whose route allows them. Who may is decided once, at the
 * upgrade, and again by core's word while it lasts: it ends with the session. A browser sends
 * cookies along from any page, so one of another origin is refused (cross-site hijacking).
 */
export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { publicOrigin, gate, watch, log, most = 50 } = options;
  const open = new Set<(code: number, reason: string) => void>();
  const byUser = new Tally();
  let isDraining = false;

  return {
    async open(exchange, path, socket, head) {
      const { request } = exchange;
      if (request.method !== "GET" || !/^websocket$/i.test(request.headers.upgrade ?? "")) {
        throw new ServiceError(400, "ERR_UPGRADE", "Only WebSockets are known here.");
      }
      if (isCrossOrigin(request, publicOrigin)) {
        throw new ServiceError(403, "ERR_CROSS_ORIGIN", "This came from another site.");
      }
      const admission = await gate(exchange, path);
      if (admission === undefined || isDraining) throw leaving();
      const { route, session } = admission;
      if (!route.websocket) {
        throw new ServiceError(403, "ERR_WEBSOCKET", "This service has no WebSockets.");
      }
      const user = session?.user.sub ?? exchange.address;
      // Before the service is asked: others may come meanwhile.
      if (!byUser.take(user, most)) {
        throw new ServiceError(429, "ERR_RATE_LIMIT", "Too many WebSockets are open.", {
          headers: { "retry-after": "5" },
        });
      }
      const headers = requestHeaders({
        rawHeaders: request.rawHeaders,
        address: exchange.address,
        publicOrigin,
        requestId: exchange.id,
        prefix: `/${route.name}`,
        bearer: session?.token,
        body: false,
      });
      const target = `${path.rest === "" ? "/" : path.rest}${path.query}`;
      let upstream: Upstream;
      try {
        upstream = await connect(route.url, target, headers, route.timeout * 1000, socket);
      } catch (fault) {
        byUser.release(user);
        throw fault;
      }
      const frames = new FrameStream();
      let isOver = false;
      const end = (code: number, reason: string): void => {
        frames.closeWith(closeFrame(code, reason));
        setTimeout(finish, partingTime).unref();
      };
      const unwatch =
        session === undefined
          ? () => undefined
          : watch(exchange, session, () => {
              end(closeCodes.policy, "the session has ended");
            });
      open.add(end);
      function finish(): void {
        if (isOver) return;
        isOver = true;
        open.delete(end);
        unwatch();
        byUser.release(user);
        socket.destroy();
        upstream.socket.destroy();
        log.debug({ trace_id: exchange.id }, "a WebSocket ended");
      }
      for (const side of [socket, upstream.socket]) {
        side.once("close", finish);
        side.once("error", finish);
      }
      frames.once("error", finish);
      socket.write(upstream.answer);
      if (upstream.head.length > 0) frames.write(upstream.head);
      if (head.length > 0) upstream.socket.write(head);
      socket.pipe(upstream.socket);
      upstream.socket.pipe(frames).pipe(socket);
    },
    active: () => open.size,
    drain() {
      isDraining = true;
      for (const end of open) end(closeCodes.restart, "the gateway is being replaced");
    },
  };
}

interface Upstream {
  readonly socket: Duplex;
  /** What was read after the head of the answer. */
  readonly head: Buffer;
  /** Head of the answer to the client. */
  readonly answer: string;
}

/** Headers of the handshake that the backend may set (RFC 6455, 4.2.2). */
const handshake = ["sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"];

function connect(
  origin: string,
  path: string,
  headers: string[],
  timeout: number,
  client: Duplex,
): Promise<Upstream> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(new URL(origin), {
      path,
      headers: [
        ...headers,
        "Host",
        new URL(origin).host,
        "Connection",
        "Upgrade",
        "Upgrade",
        "websocket",
      ],
      agent: false,
      timeout,
    });
    const left = () => asked.destroy();
    client.once("close", left);
    asked.once("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.once("error", (cause) => {
      reject(upstreamFault(cause, true));
    });
    asked.once("response", (response: IncomingMessage) => {
      response.destroy();
      const status = response.statusCode ?? 502;
      reject(
        status >= 400 && status < 500
          ? new ServiceError(status, "ERR_UPSTREAM", "The service refused the WebSocket.")
          : upstreamFault(new Error(`the service answered ${String(status)}`), true),
      );
    });
    asked.once("upgrade", (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      client.off("close", left);
      asked.setTimeout(0);
      const lines = handshake.flatMap((name) => {
        const value = response.headers[name];
        return value === undefined ? [] : [`${name}: ${String(value)}`];
      });
      const answer = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        ...lines,
        "",
        "",
      ];
      resolve({ socket, head, answer: answer.join("\r\n") });
    });
    asked.end();
  });
}

/** Says why there is no WebSocket, on the bare connection. */
export function refuseUpgrade(
  socket: Duplex,
  fault: unknown,
  instance: string,
  id: string,
): number {
  const { status, headers, body } = problemOf(fault, instance);
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    "content-length": String(Buffer.byteLength(text)),
    "cache-control": "no-store",
    "x-correlation-id": id,
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${text}`,
  );
  return status;
}

function leaving(): ServiceError {
  return new ServiceError(503, "ERR_LEAVING", "Connect again.", {
    headers: { "retry-after": "1" },
  });
}
