import { isOwn } from "./cookies.ts";
import { policiesFor, type PagePolicy } from "./pagePolicy.ts";
import { isLocal } from "./publicOrigin.ts";

type Value = string | readonly string[];

const policyName = "content-security-policy";

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
  "transfer-encoding",
  "upgrade",
  "x-correlation-id",
  "x-powered-by",
]);

/** Of a body that is changed on its way. */
const ofTheBody = new Set([
  "accept-ranges",
  "cache-control",
  "content-digest",
  "content-encoding",
  "content-length",
  "content-md5",
  "digest",
  "etag",
  "expires",
  "last-modified",
  "pragma",
  "repr-digest",
]);

export interface ForwardedResponse {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly requestId: string;
  readonly rewriteLocation: (value: string) => string;
  /** The body is completed on its way, for this user alone. */
  readonly composed: boolean;
  /** Of the completed page; undefined: nobody may keep it. */
  readonly etag?: string | undefined;
  /** Somebody is signed in: no shared cache may keep the answer unless the backend says so. */
  readonly personal: boolean;
  readonly policy: PagePolicy;
  /** Whether it is a page at all. */
  readonly isPage: boolean;
}

/** Makes the headers of the answers that go to clients (weaknesses 34, 35, 36, 41). */
export function createResponseHeaders(
  publicOrigin: URL,
): (from: ForwardedResponse) => (string | string[])[] {
  const security = securityHeaders(publicOrigin);
  const files = `${publicOrigin.origin}/static/`;

  return (from) => {
    const { headers, composed, personal, policy } = from;
    const connection = headers["connection"];
    const named =
      connection === undefined || connection === "keep-alive" || connection === "close"
        ? undefined
        : tokensOf(connection);
    const sent: (string | string[])[] = [];
    let cached = false;
    let vary: string | undefined;
    let policies: readonly string[] = [];
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined || dropped.has(name) || named?.has(name) === true) continue;
      if (composed && ofTheBody.has(name)) continue;
      switch (name) {
        case "location":
        case "content-location":
          sent.push(name, typeof value === "string" ? from.rewriteLocation(value) : value);
          continue;
        case "set-cookie": {
          const cookies = all(value).filter((cookie) => !isOwn(cookie));
          if (cookies.length > 0) sent.push(name, cookies);
          continue;
        }
        case "vary":
          vary = all(value).join(", ");
          continue;
        case policyName:
          policies = all(value);
          continue;
        case "x-content-type-options":
          continue;
        case "cache-control":
          cached = true;
      }
      sent.push(name, typeof value === "string" ? value : [...value]);
    }
    if (composed) {
      sent.push(
        "cache-control",
        from.etag === undefined ? "private, no-store" : "private, no-cache",
      );
      if (from.etag !== undefined) sent.push("etag", from.etag);
      vary = vary === undefined ? "Cookie" : `${vary}, Cookie`;
    } else if (personal && !cached) sent.push("cache-control", "private");
    // The same address is a page with our layout, or without, by who asks.
    if (from.isPage) vary = vary === undefined ? "Sec-Fetch-Dest" : `${vary}, Sec-Fetch-Dest`;
    if (vary !== undefined) sent.push("vary", vary);
    for (const [name, value] of security) {
      if (headers[name] === undefined || unconditional.has(name)) sent.push(name, value);
    }
    const enforced = policiesFor(policy, policies, composed ? files : undefined);
    sent.push(policyName, enforced.length === 1 ? (enforced[0] ?? "") : [...enforced]);
    if (from.isPage && policy.reported !== undefined && policies.length === 0) {
      sent.push("content-security-policy-report-only", policy.reported);
    }
    sent.push("x-correlation-id", from.requestId);
    return sent;
  };
}

/** A backend may say something of its own, but not of these. */
const unconditional = new Set(["strict-transport-security", "x-content-type-options"]);

/** On every answer, which has a Content-Security-Policy besides. */
export function securityHeaders(publicOrigin: URL): readonly (readonly [string, string])[] {
  return [
    // A browser would apply it to every port of the developer's own machine.
    ...(isLocal(publicOrigin) ? [] : [["strict-transport-security", "max-age=31536000"] as const]),
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "same-origin"],
    ["x-frame-options", "SAMEORIGIN"],
  ];
}

function tokensOf(value: Value): ReadonlySet<string> {
  return new Set(
    all(value)
      .flatMap((each) => each.toLowerCase().split(","))
      .map((token) => token.trim()),
  );
}

function all(value: Value): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
