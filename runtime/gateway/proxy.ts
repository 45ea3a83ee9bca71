import { ServiceError } from "../kernel/serviceError.ts";
import type { Log } from "../kernel/log.ts";
import type { Exchange } from "./exchange.ts";
import { isRepeatable, type Forwarding } from "./forwarding.ts";
import { checkLength, hasBody, limitBody } from "./requestBody.ts";
import { createResponseHeaders } from "./responseHeaders.ts";
import { Transfer, type TransferEnd } from "./transfer.ts";
import { isLostConnection, isTimeout } from "./upstreamFault.ts";
import type { Upstreams } from "./upstreams.ts";

export interface ProxyOptions {
  readonly upstreams: Upstreams;
  readonly publicOrigin: URL;
  readonly log: Log;
  /** Milliseconds without a byte from the backend, but for event streams. Default 300000. */
  readonly idleTimeout?: number;
  /** Milliseconds for which a client may read nothing of what is there. Default 60000. */
  readonly stallTimeout?: number;
}

export interface Proxy {
  /** Sends a request on and its answer back, neither of them whole in memory. @throws ServiceError */
  readonly forward: (exchange: Exchange, forwarding: Forwarding) => Promise<void>;
  /** Requests under way. */
  readonly active: () => number;
  /** Ends the event streams, which would last for ever. */
  readonly drain: () => void;
  readonly close: () => void;
}

export function createProxy(options: ProxyOptions): Proxy {
  const { upstreams, publicOrigin, log, idleTimeout = 300_000, stallTimeout = 60_000 } = options;
  const transfers = new Set<Transfer>();
  const clock = { tick: 0 };
  const context = {
    responseHeaders: createResponseHeaders(publicOrigin),
    clock,
    idle: idleTimeout / 1000,
    stalled: stallTimeout / 1000,
  };
  let isDraining = false;
  // One clock for all: a timer for each request costs more than looking at them once a second.
  const timer = setInterval(() => {
    clock.tick += 1;
    for (const transfer of transfers) transfer.check();
  }, 1000);
  timer.unref();

  function once(exchange: Exchange, forwarding: Forwarding): Promise<TransferEnd> {
    const { request, response } = exchange;
    return new Promise((resolve) => {
      let unwatch: (() => void) | undefined;
      const transfer = new Transfer(
        exchange,
        forwarding,
        context,
        (end) => {
          transfers.delete(transfer);
          response.off("close", left);
          unwatch?.();
          resolve(end);
        },
        () => {
          if (isDraining) transfer.cut();
          unwatch = forwarding.watch?.(() => {
            transfer.cut();
          });
        },
      );
      const left = () => {
        transfer.leave();
      };
      transfers.add(transfer);
      response.on("close", left);
      upstreams.dispatch(
        forwarding.origin,
        {
          path: forwarding.target,
          method: request.method ?? "GET",
          headers: forwarding.headers,
          body: hasBody(request) ? limitBody(request, forwarding.bodyLimit) : null,
          timeout: forwarding.timeout,
        },
        transfer,
      );
    });
  }

  async function forward(exchange: Exchange, forwarding: Forwarding): Promise<void> {
    const { request } = exchange;
    // Gone while it was decided; nothing would tell us any more.
    if (hasLeft(request)) return;
    checkLength(request, forwarding.bodyLimit);
    upstreams.admit(forwarding.origin);
    let end = await once(exchange, forwarding);
    if (
      end.fault instanceof ServiceError &&
      isLostConnection(end.fault.cause) &&
      isRepeatable(request, hasBody(request)) &&
      !hasLeft(request)
    ) {
      end = await once(exchange, forwarding);
    }
    const { fault, cut } = end;
    upstreams.report(forwarding.origin, end.answered || !isOutage(fault));
    if (cut !== undefined) log.warn({ err: cut, trace_id: exchange.id }, "answer cut off");
    if (fault !== undefined) throw fault as Error;
  }

  return {
    forward,
    active: () => transfers.size,
    drain() {
      isDraining = true;
      for (const transfer of transfers) if (transfer.isStream) transfer.cut();
    },
    close() {
      clearInterval(timer);
    },
  };
}

function hasLeft({ socket }: Exchange["request"]): boolean {
  return socket.destroyed;
}

/** The backend's doing: it is not there, does not speak HTTP, or hangs. */
function isOutage(fault: unknown): boolean {
  if (!(fault instanceof ServiceError)) return false;
  return fault.status === 502 || (fault.status === 504 && isTimeout(fault.cause));
}
