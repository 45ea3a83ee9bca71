import { ServiceError } from "../kernel/serviceError.ts";
import { decide } from "./access.ts";
import { viewer, type Answers } from "./answers.ts";
import type { Session } from "./coreClient.ts";
import { isCrossOrigin, isDocument, isSafe, type Exchange } from "./exchange.ts";
import type { InnerAddresses } from "./location.ts";
import { rewriteLocation } from "./location.ts";
import { composePage } from "./page/composePage.ts";
import { hasBody, type Proxy } from "./proxy.ts";
import { requestHeaders } from "./requestHeaders.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Route, Routes } from "./routes.ts";
import type { SessionCache } from "./sessionCache.ts";
import type { Visitors } from "./visitor.ts";

export interface ServiceProxyOptions {
  readonly publicOrigin: URL;
  readonly routes: () => Routes;
  readonly inner: () => InnerAddresses;
  readonly visitors: Visitors;
  readonly sessions: SessionCache;
  readonly answers: Answers;
  readonly proxy: Proxy;
  /** In the addresses of our static files. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** `/<service>/…`: decides, and forwards exactly what was decided on (contract 2.4). */
export function createServiceProxy(
  options: ServiceProxyOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { publicOrigin, routes, inner, visitors, sessions, answers, proxy, version, now } = options;

  return async (exchange, path) => {
    const { request } = exchange;
    const route = routes().get(path.first);
    if (route !== undefined && decide(route, undefined, path.normalRest).allowed) {
      // Only for the menu of the page: what is public must not depend on core.
      if (isDocument(exchange)) await visitors.find(exchange).catch(() => undefined);
      await forward(exchange, path, route, undefined);
      return;
    }
    const session = await visitors.find(exchange);
    const decision = decide(route, session?.user.groups, path.normalRest);
    if (session === undefined || decision.reason === "sign-in") {
      visitors.askToSignIn(exchange, path);
      return;
    }
    if (route === undefined) throw new ServiceError(404, "ERR_SERVICE_UNKNOWN", "No such service.");
    if (!decision.allowed) {
      throw new ServiceError(403, "ERR_GROUP", "You are not allowed to use this service.");
    }
    if (!isSafe(request.method) && isCrossOrigin(request, publicOrigin)) {
      throw new ServiceError(403, "ERR_CROSS_ORIGIN", "This came from another site.");
    }
    await forward(exchange, path, route, session);
  };

  async function forward(
    exchange: Exchange,
    path: RequestPath,
    route: Route,
    session: Session | undefined,
  ): Promise<void> {
    const { request } = exchange;
    const reads = request.method === "GET" || request.method === "HEAD";
    if (path.rest === "" && reads) {
      // Relative links of the page would miss the service's name.
      answers.redirect(exchange, 308, `/${route.name}/${path.query}`);
      return;
    }
    const page = isDocument(exchange);
    await proxy.forward(exchange, {
      origin: route.url,
      target: `${path.rest === "" ? "/" : path.rest}${path.query}`,
      headers: requestHeaders({
        rawHeaders: request.rawHeaders,
        address: exchange.address,
        publicOrigin,
        requestId: exchange.id,
        prefix: `/${route.name}`,
        bearer: session?.token,
        identityEncoding: page,
        body: hasBody(request),
      }),
      rewriteLocation: (value) => rewriteLocation(value, publicOrigin, inner()),
      compose: page ? () => compose(exchange.session, route) : undefined,
      personal: session !== undefined,
      ...(session === undefined ? {} : { watch: (end: () => void) => watch(session, end) }),
    });
  }

  function compose(session: Session | undefined, route: Route) {
    const { services, user } = viewer(session, routes());
    return composePage({
      services,
      user,
      active: route.name,
      theme: "light",
      colorTheme: "purple",
      version,
    });
  }

  /** Until the session ends: by what core announces, or by its time. */
  function watch(session: Session, end: () => void): () => void {
    const timer = setTimeout(end, Math.max(0, session.expires_at * 1000 - now()));
    const unwatch = sessions.watch(session.id, end);
    return () => {
      clearTimeout(timer);
      unwatch();
    };
  }
}
