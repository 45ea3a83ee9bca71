import { isOwn } from "./cookies.ts";
import { isLocal } from "./publicOrigin.ts";

export type Headers = readonly (readonly [name: string, value: string | readonly string[]])[];

/** What a backend may not say to a browser: of its connection, of itself, or for the whole origin. */
const dropped = new Set([
  "alt-svc",
  // One service must not sign people out of all of them.
  "clear-site-data",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "server",
  // A worker of one service would see the requests to all others.
  "service-worker-allowed",
  "strict-transport-security",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-correlation-id",
  "x-powered-by",
]);

/** Of a body that is changed on its way. */
const ofTheBody = new Set([
  "accept-ranges",
  "cache-control",
  "content-length",
  "content-md5",
  "digest",
  "etag",
  "expires",
  "last-modified",
  "pragma",
  "repr-digest",
  "content-digest",
]);

export interface ForwardedResponse {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly requestId: string;
  readonly publicOrigin: URL;
  readonly rewriteLocation: (value: string) => string;
  /** The body is completed on its way, for this user alone. */
  readonly composed: boolean;
  /** Somebody is signed in: no shared cache may keep the answer unless the backend says so. */
  readonly personal: boolean;
}

/** Headers of the answer that goes to the client (weaknesses 34, 35, 36, 41). */
export function responseHeaders(from: ForwardedResponse): Headers {
  const { composed, personal, publicOrigin, rewriteLocation } = from;
  const named = new Set(
    all(from.headers["connection"]).flatMap((value) =>
      value
        .toLowerCase()
        .split(",")
        .map((token) => token.trim()),
    ),
  );
  const sent = new Map<string, string | readonly string[]>();
  for (const [name, value] of Object.entries(from.headers)) {
    if (value === undefined || dropped.has(name) || named.has(name)) continue;
    if (composed && ofTheBody.has(name)) continue;
    sent.set(name, value);
  }
  for (const name of ["location", "content-location"]) {
    const value = sent.get(name);
    if (typeof value === "string") sent.set(name, rewriteLocation(value));
  }
  const cookies = all(from.headers["set-cookie"]).filter((cookie) => !isOwn(cookie));
  if (cookies.length > 0) sent.set("set-cookie", cookies);
  else sent.delete("set-cookie");
  if (composed) {
    sent.set("cache-control", "private, no-store");
    sent.set("vary", [...all(sent.get("vary")), "Cookie"].join(", "));
  } else if (personal && !sent.has("cache-control")) {
    sent.set("cache-control", "private");
  }
  for (const [name, value] of securityHeaders(publicOrigin)) {
    if (name === "content-security-policy") {
      const policies = all(sent.get(name));
      // Each policy counts on its own, so a further one only narrows.
      if (!policies.some((policy) => policy.includes("frame-ancestors"))) {
        sent.set(name, [...policies, value]);
      }
    } else if (!sent.has(name) || name === "x-content-type-options") sent.set(name, value);
  }
  sent.set("x-correlation-id", from.requestId);
  return [...sent];
}

/** On every answer; a backend may say something of its own, but not about MIME types. */
export function securityHeaders(publicOrigin: URL): readonly (readonly [string, string])[] {
  return [
    // A browser would apply it to every port of the developer's own machine.
    ...(isLocal(publicOrigin) ? [] : [["strict-transport-security", "max-age=31536000"] as const]),
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "same-origin"],
    ["x-frame-options", "SAMEORIGIN"],
    ["content-security-policy", "frame-ancestors 'self'"],
  ];
}

function all(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
