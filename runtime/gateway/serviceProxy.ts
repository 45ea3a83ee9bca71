import { viewer, type Answers } from "./answers.ts";
import type { Session } from "./coreClient.ts";
import { isDocument, type Exchange } from "./exchange.ts";
import type { Compose } from "./forwarding.ts";
import type { Gate } from "./gate.ts";
import type { InnerAddresses } from "./location.ts";
import { rewriteLocation } from "./location.ts";
import { renderLayout, type Layout } from "./page/layout.ts";
import { LayoutCache } from "./page/layoutCache.ts";
import { PageComposer } from "./page/pageComposer.ts";
import { pagePolicy, type PagePolicy } from "./pagePolicy.ts";
import { readPageTags, writePageTag } from "./pageTag.ts";
import type { Look, Preferences } from "./preferences.ts";
import type { Proxy } from "./proxy.ts";
import { hasBody } from "./requestBody.ts";
import { requestHeaders } from "./requestHeaders.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Route, Routes } from "./routes.ts";
import type { SessionWatch } from "./sessionWatch.ts";

export interface ServiceProxyOptions {
  readonly publicOrigin: URL;
  readonly routes: () => Routes;
  readonly inner: () => InnerAddresses;
  readonly gate: Gate;
  readonly watch: SessionWatch;
  readonly preferences: Pick<Preferences, "look">;
  readonly answers: Answers;
  readonly proxy: Proxy;
  /** In the addresses of our static files. */
  readonly version: string;
  /** Bytes of a request, for every service; the registry may say less. */
  readonly bodyLimit?: number;
}

/** `/<service>/…`: forwards exactly what was decided on (contract 2.4). */
export function createServiceProxy(
  options: ServiceProxyOptions,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  const { routes, inner, gate, watch, preferences, answers, proxy, version } = options;
  const { publicOrigin, bodyLimit = Infinity } = options;
  const origin = { protocol: publicOrigin.protocol, host: publicOrigin.host };
  const layouts = new LayoutCache();
  const shown = new WeakMap<Session, Shown>();
  const policies = new WeakMap<Route, PagePolicy>();
  const rewrite = (value: string) => rewriteLocation(value, publicOrigin, inner());

  return async (exchange, path) => {
    const admission = await gate(exchange, path);
    if (admission === undefined) return;
    const { route, session } = admission;
    const { request } = exchange;
    const reads = request.method === "GET" || request.method === "HEAD";
    if (path.rest === "" && reads) {
      // Relative links of the page would miss the service's name.
      answers.redirect(exchange, 308, `/${route.name}/${path.query}`);
      return;
    }
    const page = isDocument(exchange) && request.headers.range === undefined;
    let layout: Layout | undefined;
    if (page) {
      const look = preferences.look(exchange.session);
      layout = layoutFor(exchange.session, route, look instanceof Promise ? await look : look);
    }
    await proxy.forward(exchange, {
      origin: route.url,
      target: `${path.rest === "" ? "/" : path.rest}${path.query}`,
      headers: requestHeaders({
        rawHeaders: request.rawHeaders,
        address: exchange.address,
        publicOrigin: origin,
        requestId: exchange.id,
        prefix: `/${route.name}`,
        bearer: session?.token,
        identityEncoding: page,
        ...(layout === undefined
          ? {}
          : { known: { ifNoneMatch: readPageTags(request.headers["if-none-match"], layout.tag) } }),
        body: hasBody(request),
      }),
      rewriteLocation: rewrite,
      compose: layout === undefined ? undefined : composition(layout),
      personal: session !== undefined,
      policy: policyOf(route),
      bodyLimit: Math.min(bodyLimit, route.bodyLimit * 2 ** 20),
      timeout: route.timeout * 1000,
      ...(session === undefined
        ? {}
        : { watch: (end: () => void) => watch(exchange, session, end) }),
    });
  };

  function layoutFor(session: Session | undefined, route: Route, look: Look): Layout {
    const known = session === undefined ? undefined : shown.get(session);
    const isCurrent = known?.routes === routes() && known.look === look;
    const key = isCurrent ? known.keys.get(route) : undefined;
    if (key !== undefined) {
      const layout = layouts.find(key);
      if (layout !== undefined) return layout;
    }
    const { services, user } = viewer(session, routes());
    const made = JSON.stringify([route.name, route.assets, look, user, services]);
    if (session !== undefined) {
      const keys = isCurrent ? known.keys : new Map<Route, string>();
      shown.set(session, { routes: routes(), look, keys: keys.set(route, made) });
    }
    return (
      layouts.find(made) ??
      layouts.keep(
        made,
        renderLayout({
          services,
          user,
          active: route.name,
          ...look,
          version,
          localIcons: route.assets === "local",
        }),
      )
    );
  }

  function policyOf(route: Route): PagePolicy {
    let policy = policies.get(route);
    if (policy === undefined) {
      policy = pagePolicy(route.name, route.kind);
      policies.set(route, policy);
    }
    return policy;
  }
}

/** What was rendered for a session, so that it is not written down anew for each page. */
interface Shown {
  readonly routes: Routes;
  readonly look: Look;
  /** In the cache of layouts. */
  readonly keys: Map<Route, string>;
}

function composition(layout: Layout): Compose {
  return {
    begin: () => new PageComposer(layout),
    etag: (inner) => writePageTag(inner, layout.tag),
  };
}
