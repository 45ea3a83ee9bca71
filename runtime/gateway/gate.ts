import { ServiceError } from "../kernel/serviceError.ts";
import { decide } from "./access.ts";
import type { Session } from "./coreClient.ts";
import { isCrossOrigin, isDocument, isSafe, type Exchange } from "./exchange.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Route, Routes } from "./routes.ts";
import type { Visitors } from "./visitor.ts";

/** What may be forwarded. */
export interface Admission {
  readonly route: Route;
  /** Undefined: nobody is signed in, or need be. */
  readonly session: Session | undefined;
}

export interface GateOptions {
  readonly publicOrigin: URL;
  readonly routes: () => Routes;
  readonly visitors: Visitors;
}

/**
 * Decides about a request for a service, whatever becomes of it then (contract 2.4).
 * @returns undefined when it was answered here: somebody has to sign in first
 * @throws ServiceError 403, 404; 503 when core does not answer
 */
export type Gate = (exchange: Exchange, path: RequestPath) => Promise<Admission | undefined>;

export function createGate({ publicOrigin, routes, visitors }: GateOptions): Gate {
  return async (exchange, path) => {
    const { request } = exchange;
    const { method } = request;
    const route = routes().get(path.first);
    exchange.service = route?.name;
    if (route !== undefined && decide(route, undefined, path.normalRest, method).allowed) {
      // Only for the menu of the page: what is public must not depend on core.
      if (isDocument(exchange)) await visitors.find(exchange).catch(() => undefined);
      return { route, session: undefined };
    }
    const session = await visitors.find(exchange);
    const decision = decide(route, session?.user.groups, path.normalRest, method);
    if (session === undefined || decision.reason === "sign-in") {
      await visitors.askToSignIn(exchange, path);
      return undefined;
    }
    if (route === undefined) throw new ServiceError(404, "ERR_SERVICE_UNKNOWN", "No such service.");
    if (!decision.allowed) {
      throw new ServiceError(403, "ERR_GROUP", "You are not allowed to use this service.");
    }
    if (!isSafe(method) && isCrossOrigin(request, publicOrigin)) {
      throw new ServiceError(403, "ERR_CROSS_ORIGIN", "This came from another site.");
    }
    return { route, session };
  };
}
