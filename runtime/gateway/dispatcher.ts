import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { isProbe, type Health } from "./health.ts";
import { isHostOf } from "./publicOrigin.ts";
import { reportPath } from "./pagePolicy.ts";
import { readTarget, type RequestPath } from "./requestPath.ts";
import { methods, ownNames, type Routes } from "./routes.ts";
import type { SignIn } from "./signIn.ts";

type Handler = (exchange: Exchange, path: RequestPath) => Promise<void> | void;

export interface DispatcherOptions {
  readonly publicOrigin: URL;
  readonly routes: () => Routes;
  readonly answers: Answers;
  readonly health: Health;
  readonly home: Handler;
  readonly design: Handler;
  readonly sessions: Handler;
  readonly favicon: Handler;
  readonly pageReports: Handler;
  /** Their look was changed. */
  readonly forgetLook: Handler;
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

const reading: readonly string[] = ["GET", "HEAD"];

export interface Dispatcher {
  /** Takes the path apart and looks at the name that was asked for. @throws ServiceError 400, 421 */
  readonly read: (exchange: Exchange) => RequestPath;
  /** Which part of the gateway answers: its own routes before any service (contract 2.3). */
  readonly dispatch: (exchange: Exchange) => Promise<void>;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { publicOrigin, answers, health, home, keycloak, service, signIn, signOut } = options;
  const { staticFiles } = options;
  const own = new Map<string, OwnRoute>([
    ["/", { methods: reading, handle: home }],
    ["/login", { methods: ["GET"], handle: signIn.begin }],
    ["/keycloak-callback", { methods: ["GET"], handle: signIn.finish }],
    ["/logout", { methods: ["GET", "POST"], handle: signOut }],
    ["/health", { methods: reading, handle: health.report }],
    ["/health/live", { methods: reading, handle: health.live }],
    ["/health/ready", { methods: reading, handle: health.ready }],
    ["/api/invalidate-cache", { methods: ["POST"], handle: options.forgetLook }],
    ["/design", { methods: reading, handle: options.design }],
    ["/sessions", { methods: ["GET", "HEAD", "POST"], handle: options.sessions }],
    ["/favicon.ico", { methods: reading, handle: options.favicon }],
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
    if (raw.startsWith(reportPath)) return { methods: ["POST"], handle: options.pageReports };
    if ((ownNames as readonly string[]).includes(first)) {
      throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
    }
    return { methods, handle: service };
  }

  const allowsSlash = (first: string): boolean =>
    options.routes().get(first)?.encodedSlash === true;

  function read({ request }: Exchange): RequestPath {
    const path = readTarget(request.url ?? "", allowsSlash);
    if (!isProbe(path.raw) && !isHostOf(publicOrigin, onlyHost(request.rawHeaders))) {
      throw new OtherName(path);
    }
    return path;
  }

  async function dispatch(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    let path: RequestPath;
    try {
      path = read(exchange);
    } catch (fault) {
      if (!(fault instanceof OtherName)) throw fault;
      if (!exchange.navigation || !reading.includes(request.method ?? "")) throw fault;
      const { raw, query } = fault.path;
      answers.redirect(exchange, 308, `${publicOrigin.origin}${raw}${query}`);
      return;
    }
    const { methods: allowed, handle } = find(path);
    if (!allowed.includes(request.method ?? "")) {
      throw new ServiceError(405, "ERR_METHOD", "This method is not allowed here.", {
        headers: { allow: allowed.join(", ") },
      });
    }
    await handle(exchange, path);
  }

  return { read, dispatch };
}

class OtherName extends ServiceError {
  readonly path: RequestPath;

  constructor(path: RequestPath) {
    super(421, "ERR_HOST", "This server has another name.");
    this.path = path;
  }
}

/** Node shows the first of several; a backend might take the last. */
function onlyHost(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    if (host !== undefined) {
      throw new ServiceError(400, "ERR_HOST", "This request has several hosts.");
    }
    host = rawHeaders[at + 1];
  }
  return host;
}
