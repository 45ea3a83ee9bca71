import { isOwn, readCookies } from "./cookies.ts";

/** Of this connection only (RFC 9110, 7.6.1), and what the client and we settle between us. */
const hopByHop = new Set([
  "connection",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** By which somebody behind a proxy learns who asks, from where, for what. Only we may say so. */
const identity = new Set([
  "authorization",
  "cf-connecting-ip",
  "client-ip",
  "fastly-client-ip",
  "forwarded",
  // CGI turns it into HTTP_PROXY (httpoxy).
  "proxy",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-correlation-id",
  "x-email",
  "x-forwarded",
  "x-groups",
  "x-jwt-assertion",
  "x-original-host",
  "x-original-uri",
  "x-original-url",
  "x-real-ip",
  "x-rewrite-url",
  "x-roles",
  "x-script-name",
]);

const identityPrefixes = [
  "client-cert",
  "remote-",
  "script-",
  "ssl-client-",
  "x-amzn-oidc-",
  "x-auth-",
  "x-authenticated-",
  "x-authentik-",
  "x-client-cert",
  "x-forwarded-",
  "x-hivematrix-",
  "x-ms-client-principal",
  "x-original-forwarded-",
  "x-pomerium-",
  "x-remote-",
  "x-ssl-",
  "x-user",
  "x-vouch-",
  "x-webauth-",
];

export interface ForwardedRequest {
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Of the peer. */
  readonly address: string;
  readonly publicOrigin: URL;
  readonly requestId: string;
  /** What the gateway cuts off the path, `/<service>`; absent: not told. */
  readonly prefix?: string;
  /** The user's token of the platform; absent: none is sent. */
  readonly bearer?: string | undefined;
  /** For Keycloak alone, whose own clients prove themselves to it. */
  readonly keepAuthorization?: boolean;
  /** A page that is to be completed must come uncompressed. */
  readonly identityEncoding?: boolean;
  /** Whether a body follows. */
  readonly body: boolean;
}

/** Names and values in turn of the request that goes to a backend (contract 2.4, weaknesses 7, 36, 37). */
export function requestHeaders(from: ForwardedRequest): string[] {
  const { rawHeaders, publicOrigin, keepAuthorization = false, identityEncoding = false } = from;
  const pairs = pairsOf(rawHeaders);
  const named = connectionTokens(pairs);
  const dropped = (name: string): boolean =>
    hopByHop.has(name) ||
    named.has(name) ||
    name === "cookie" ||
    (name === "content-length" && !from.body) ||
    (name === "accept-encoding" && identityEncoding) ||
    (isIdentity(name) && !(keepAuthorization && name === "authorization"));

  const sent = pairs.filter(([name]) => !dropped(name.toLowerCase())).flat();
  const cookies = pairs
    .filter(([name]) => name.toLowerCase() === "cookie")
    .flatMap(([, value]) => readCookies(value))
    .filter(({ text }) => !isOwn(text));
  if (cookies.length > 0) sent.push("Cookie", cookies.map(({ text }) => text).join("; "));
  if (identityEncoding) sent.push("Accept-Encoding", "identity");
  if (from.bearer !== undefined) sent.push("Authorization", `Bearer ${from.bearer}`);
  sent.push("X-Forwarded-For", from.address);
  sent.push("X-Forwarded-Proto", publicOrigin.protocol.slice(0, -1));
  sent.push("X-Forwarded-Host", publicOrigin.host);
  if (from.prefix !== undefined) sent.push("X-Forwarded-Prefix", from.prefix);
  sent.push("X-Correlation-ID", from.requestId);
  return sent;
}

function isIdentity(name: string): boolean {
  return (
    // `X_Forwarded_For` is the same as `X-Forwarded-For` to CGI, WSGI and others; a name with
    // anything but letters, digits and hyphens is an alias at best.
    !/^[a-z0-9-]+$/.test(name) ||
    identity.has(name) ||
    identityPrefixes.some((prefix) => name.startsWith(prefix))
  );
}

function connectionTokens(pairs: readonly (readonly [string, string])[]): Set<string> {
  return new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.toLowerCase().split(","))
      .map((token) => token.trim()),
  );
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [
    raw[2 * index] ?? "",
    raw[2 * index + 1] ?? "",
  ]);
}
