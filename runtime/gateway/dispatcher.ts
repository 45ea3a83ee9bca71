import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import type { Health } from "./health.ts";
import { isHostOf } from "./publicOrigin.ts";
import { readTarget, type RequestPath } from "./requestPath.ts";
import { ownNames } from "./routes.ts";
import type { SignIn } from "./signIn.ts";

type Handler = (exchange: Exchange, path: RequestPath) => Promise<void> | void;

export interface DispatcherOptions {
  readonly publicOrigin: URL;
  readonly answers: Answers;
  readonly health: Health;
  readonly home: Handler;
  readonly keycloak: Handler;
  readonly service: Handler;
  readonly signIn: SignIn;
  readonly signOut: Handler;
  readonly staticFiles: Handler;
}

interface OwnRoute {
  readonly methods: readonly string[];
  readonly handle: Handler;
}

/** TRACE would show a backend's answer to the token; CONNECT is for other proxies. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const reading = ["GET", "HEAD"];

/** Which part of the gateway answers: its own routes before any service (contract 2.3). */
export function createDispatcher(
  options: DispatcherOptions,
): (exchange: Exchange) => Promise<void> {
  const { publicOrigin, answers, health, home, keycloak, service, signIn, signOut } = options;
  const { staticFiles } = options;
  const own = new Map<string, OwnRoute>([
    ["/", { methods: reading, handle: home }],
    ["/login", { methods: ["GET"], handle: signIn.begin }],
    ["/keycloak-callback", { methods: ["GET"], handle: signIn.finish }],
    ["/logout", { methods: ["GET", "POST"], handle: signOut }],
    ["/health", { methods: reading, handle: health.report }],
    ["/health/live", { methods: reading, handle: health.live }],
    [
      "/api/invalidate-cache",
      {
        methods: ["POST"],
        // Pages of the platform ask for it after a change of theme; no theme is kept here.
        handle: (exchange) => {
          answers.json(exchange, 200, { success: true, message: "Cache invalidated" });
        },
      },
    ],
  ]);

  // Short addresses of pages of Beacon (contract 2.3).
  for (const name of ["helpdesk", "professional-services"]) {
    const handle: Handler = (exchange) => {
      answers.redirect(exchange, 302, `/beacon/${name}`);
    };
    own
      .set(`/${name}`, { methods: reading, handle })
      .set(`/${name}/`, { methods: reading, handle });
  }

  function find({ raw, first }: RequestPath): OwnRoute {
    const exact = own.get(raw);
    if (exact !== undefined) return exact;
    if (first === "keycloak") return { methods, handle: keycloak };
    if (first === "static") return { methods: reading, handle: staticFiles };
    if ((ownNames as readonly string[]).includes(first)) {
      throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
    }
    return { methods, handle: service };
  }

  return async (exchange) => {
    const { request } = exchange;
    const path = readTarget(request.url ?? "");
    if (!isProbe(path) && !isHostOf(publicOrigin, onlyHost(request.rawHeaders))) {
      if (!exchange.navigation || !reading.includes(request.method ?? "")) {
        throw new ServiceError(421, "ERR_HOST", "This server has another name.");
      }
      answers.redirect(exchange, 308, `${publicOrigin.origin}${path.raw}${path.query}`);
      return;
    }
    const { methods: allowed, handle } = find(path);
    if (!allowed.includes(request.method ?? "")) {
      throw new ServiceError(405, "ERR_METHOD", "This method is not allowed here.", {
        headers: { allow: allowed.join(", ") },
      });
    }
    await handle(exchange, path);
  };
}

/** Who supervises the process asks by the address it listens on. */
function isProbe({ raw }: RequestPath): boolean {
  return raw === "/health" || raw === "/health/live";
}

/** Node shows the first of several; a backend might take the last. */
function onlyHost(rawHeaders: readonly string[]): string | undefined {
  const [host, ...more] = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "host",
  );
  if (more.length > 0) throw new ServiceError(400, "ERR_HOST", "This request has several hosts.");
  return host;
}
