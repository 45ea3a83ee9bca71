import { isOwn, onlyOwn, readCookies } from "./cookies.ts";

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
  "traceparent",
  "tracestate",
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

/** By which a client says what it has of a page already. */
const conditions = new Set(["if-none-match", "if-modified-since", "if-range", "range"]);

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
  readonly publicOrigin: PublicOrigin;
  readonly requestId: string;
  /** What the gateway cuts off the path, `/<service>`; absent: not told. */
  readonly prefix?: string;
  /** Token of the platform. Absent: nobody is signed in, or nobody need be. */
  readonly bearer?: string | undefined;
  /** For Keycloak alone, whose own clients prove themselves to it. */
  readonly keepAuthorization?: boolean;
  /** A page that is to be completed must come uncompressed. */
  readonly identityEncoding?: boolean;
  /** In place of what the client knows of the page; undefined in it: nothing. Absent: as it came. */
  readonly known?: { readonly ifNoneMatch: string | undefined };
  /** Whether a body follows. */
  readonly body: boolean;
}

/** What is told of where people enter. */
export interface PublicOrigin {
  /** `https:` */
  readonly protocol: string;
  /** With the port unless it is the scheme's own. */
  readonly host: string;
}

/** What is done with a header by its name alone; `body` and `encoding` depend on the request. */
type Verdict =
  "keep" | "drop" | "cookie" | "connection" | "authorization" | "length" | "encoding" | "known";

/** By name as it came: looking into the sets above costs more than all the rest. */
const verdicts = new Map<string, Verdict>();

/** Names kept; anybody may invent some. */
const mostVerdicts = 1000;

/** Names and values in turn of the request that goes to a backend (contract 2.4, weaknesses 7, 36, 37). */
export function requestHeaders(from: ForwardedRequest): string[] {
  const { rawHeaders, publicOrigin, keepAuthorization = false, identityEncoding = false } = from;
  const named = connectionTokens(rawHeaders);
  const sent: string[] = [];
  let cookies: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    const verdict = verdictOf(name);
    if (verdict === "keep") {
      if (named?.has(name.toLowerCase()) === true) continue;
    } else if (verdict === "cookie") {
      if (onlyOwn(value) || named?.has("cookie") === true) continue;
      const kept = readCookies(value).filter(({ text }) => !isOwn(text));
      for (const { text } of kept) cookies = cookies === undefined ? text : `${cookies}; ${text}`;
      continue;
    } else if (verdict === "drop" || verdict === "connection") continue;
    else if (named?.has(name.toLowerCase()) === true) continue;
    else if (verdict === "authorization" && !keepAuthorization) continue;
    else if (verdict === "length" && !from.body) continue;
    else if (verdict === "encoding" && identityEncoding) continue;
    else if (verdict === "known" && from.known !== undefined) continue;
    sent.push(name, value);
  }
  if (cookies !== undefined) sent.push("Cookie", cookies);
  if (identityEncoding) sent.push("Accept-Encoding", "identity");
  if (from.known?.ifNoneMatch !== undefined) sent.push("If-None-Match", from.known.ifNoneMatch);
  if (from.bearer !== undefined) sent.push("Authorization", `Bearer ${from.bearer}`);
  sent.push(
    "X-Forwarded-For",
    from.address,
    "X-Forwarded-Proto",
    publicOrigin.protocol.slice(0, -1),
    "X-Forwarded-Host",
    publicOrigin.host,
  );
  if (from.prefix !== undefined) sent.push("X-Forwarded-Prefix", from.prefix);
  sent.push("X-Correlation-ID", from.requestId, "traceparent", traceparent(from.requestId));
  return sent;
}

/** W3C Trace Context, 3.2: the request's number as the trace, a part of it as our span. */
function traceparent(requestId: string): string {
  const trace = requestId.replaceAll("-", "");
  return `00-${trace}-${trace.slice(16)}-01`;
}

function verdictOf(name: string): Verdict {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = judge(name.toLowerCase());
  if (verdicts.size >= mostVerdicts) verdicts.clear();
  verdicts.set(name, verdict);
  return verdict;
}

function judge(name: string): Verdict {
  if (name === "connection") return "connection";
  if (hopByHop.has(name)) return "drop";
  if (name === "cookie") return "cookie";
  if (name === "authorization") return "authorization";
  if (name === "content-length") return "length";
  if (name === "accept-encoding") return "encoding";
  if (conditions.has(name)) return "known";
  return isIdentity(name) ? "drop" : "keep";
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

/** Headers of this hop alone, by the client's word; undefined: none, as nearly always. */
function connectionTokens(rawHeaders: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (verdictOf(rawHeaders[at] ?? "") !== "connection") continue;
    const value = rawHeaders[at + 1] ?? "";
    if (value === "keep-alive") continue;
    named ??= new Set();
    for (const token of value.toLowerCase().split(",")) named.add(token.trim());
  }
  return named;
}
