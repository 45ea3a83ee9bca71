import type { IncomingMessage, ServerResponse } from "node:http";

import type { Session } from "./coreClient.ts";

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `X-Correlation-ID` for backends and client, `trace_id` in the log. Never the client's own. */
  readonly id: string;
  /** Path without the query, as it came; for logs and problems alone. */
  readonly instance: string;
  /** Of the peer. */
  readonly address: string;
  /** Whether a person looks at the answer, so that it should be a page. */
  readonly navigation: boolean;
  /** As soon as it is known who asks. */
  session?: Session;
  /** Name of the service that was asked for, if there is one. */
  service?: string | undefined;
}

export function createExchange(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): Exchange {
  return {
    request,
    response,
    id,
    instance: (request.url ?? "").split("?", 1)[0] ?? "",
    address: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
    navigation: isNavigation(request),
  };
}

/** By Fetch Metadata where the client has it, else by what it accepts. */
function isNavigation({ headers }: IncomingMessage): boolean {
  // Browsers do not send it by themselves: this is a program.
  if (/^bearer /i.test(headers.authorization ?? "")) return false;
  const mode = headers["sec-fetch-mode"];
  return mode === undefined ? headers.accept?.includes("text/html") === true : mode === "navigate";
}

/** Whether the answer fills a window: not a frame, not what a script fetches. */
export function isDocument({ request, navigation }: Exchange): boolean {
  const destination = request.headers["sec-fetch-dest"];
  return navigation && (destination === undefined || destination === "document");
}

/** Whether a method must not change anything (RFC 9110, 9.2.1). */
export function isSafe(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/**
 * Whether a page of another origin made the browser send this. SameSite alone does not tell: other
 * ports and sibling names are the same site (weakness 9).
 */
export function isCrossOrigin({ headers }: IncomingMessage, publicOrigin: URL): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  return headers.origin !== undefined && headers.origin !== publicOrigin.origin;
}
