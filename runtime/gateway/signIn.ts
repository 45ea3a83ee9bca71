import * as oidc from "openid-client";

import type { Log } from "../kernel/log.ts";
import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { GatewayConfig } from "./config.ts";
import type { CoreClient, KeycloakTokens } from "./coreClient.ts";
import type { Exchange } from "./exchange.ts";
import type { LoginState, LoginStates } from "./loginState.ts";
import { readNext } from "./nextPath.ts";
import type { RequestPath } from "./requestPath.ts";
import type { SessionCache } from "./sessionCache.ts";
import { readSessionCookie, writeSessionCookie } from "./sessionCookie.ts";

export interface SignInOptions {
  readonly config: GatewayConfig;
  readonly core: CoreClient;
  readonly sessions: SessionCache;
  readonly states: LoginStates;
  readonly answers: Answers;
  readonly log: Log;
  readonly fetch: typeof fetch;
  /** Attempts of one address. @throws ServiceError 429 */
  readonly limit: (address: string) => void;
}

export interface SignIn {
  /** `GET /login?next=`: off to Keycloak. */
  readonly begin: (exchange: Exchange, path: RequestPath) => Promise<void>;
  /** `GET /keycloak-callback`: back from there. */
  readonly finish: (exchange: Exchange, path: RequestPath) => Promise<void>;
}

/** The line by which others ban an address (docs/fail2ban); its words never change. */
export const signInFailed = "sign-in failed";

/** Path Keycloak sends people back to; registered there. */
const callback = "/keycloak-callback";

/**
 * Signing in at Keycloak: code flow with PKCE, state, nonce and a checked id token (OpenID Connect
 * Core, 3.1; RFC 9700, 2.1.1). What comes back is core's to judge; the browser gets a new secret.
 */
export function createSignIn(options: SignInOptions): SignIn {
  const { core, sessions, states, answers, log } = options;
  const { PUBLIC_ORIGIN } = options.config;
  const publicOrigin = new URL(PUBLIC_ORIGIN);
  const client = createOidcClient(options);

  async function askForTokens(query: string, state: LoginState): Promise<KeycloakTokens> {
    try {
      return await oidc.authorizationCodeGrant(
        client,
        new URL(`${callback}${query}`, publicOrigin),
        {
          expectedState: state.state,
          expectedNonce: state.nonce,
          pkceCodeVerifier: state.verifier,
          idTokenExpected: true,
        },
      );
    } catch (cause) {
      throw faultOf(cause);
    }
  }

  return {
    async begin(exchange, { query }) {
      const { request, response } = exchange;
      const state: LoginState = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
        next: readNext(new URLSearchParams(query).getAll("next"), publicOrigin),
      };
      const address = oidc.buildAuthorizationUrl(client, {
        redirect_uri: `${PUBLIC_ORIGIN}${callback}`,
        scope: "openid email profile",
        state: state.state,
        nonce: state.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(state.verifier),
        code_challenge_method: "S256",
      });
      for (const cookie of await states.write(state, request.headers.cookie)) {
        response.appendHeader("set-cookie", cookie);
      }
      answers.redirect(exchange, 302, address.href);
    },

    async finish(exchange, path) {
      options.limit(exchange.address);
      try {
        await finish(exchange, path);
      } catch (fault) {
        if (fault instanceof ServiceError && fault.status === 401) {
          log.warn({ address: exchange.address, code: fault.code }, signInFailed);
        }
        throw fault;
      }
    },
  };

  async function finish(exchange: Exchange, { query }: RequestPath): Promise<void> {
    const { request, response } = exchange;
    const [returned, ...more] = new URLSearchParams(query).getAll("state");
    const usable = more.length === 0 && /^[A-Za-z0-9_-]{43}$/.test(returned ?? "");
    const state =
      returned !== undefined && usable
        ? await states.read(returned, request.headers.cookie)
        : undefined;
    if (state === undefined) {
      throw new ServiceError(
        401,
        "ERR_SIGN_IN_STATE",
        "This sign-in was not begun in this browser, or too long ago.",
      );
    }
    // Good for one attempt, whatever comes of it.
    response.appendHeader("set-cookie", states.clear(state.state));
    const tokens = await askForTokens(query, state);
    const { cookie, session } = await core.create(
      {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        id_token: tokens.id_token,
      },
      { address: exchange.address, agent: (request.headers["user-agent"] ?? "").slice(0, 300) },
    );
    const former = readSessionCookie(request.headers.cookie);
    if (former !== undefined) {
      sessions.forget(former);
      core.end(former).catch((fault: unknown) => {
        log.warn({ err: fault }, "the former session of this browser was not ended");
      });
    }
    sessions.add(cookie, session);
    exchange.session = session;
    log.info({ user: session.user.sub, address: exchange.address }, "signed in");
    response.appendHeader("set-cookie", writeSessionCookie(cookie));
    answers.redirect(exchange, 303, state.next, { "referrer-policy": "no-referrer" });
  }
}

/** Keycloak is asked over loopback; only the addresses that browsers go to are public. */
function createOidcClient({ config, fetch }: SignInOptions): oidc.Configuration {
  const { PUBLIC_ORIGIN, KEYCLOAK_URL, KEYCLOAK_REALM } = config;
  const realm = `/realms/${encodeURIComponent(KEYCLOAK_REALM)}`;
  const inner = `${KEYCLOAK_URL}${realm}/protocol/openid-connect`;
  const issuer = `${PUBLIC_ORIGIN}/keycloak${realm}`;
  const client = new oidc.Configuration(
    {
      issuer,
      authorization_endpoint: `${issuer}/protocol/openid-connect/auth`,
      token_endpoint: `${inner}/token`,
      jwks_uri: `${inner}/certs`,
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
    },
    config.KEYCLOAK_CLIENT_ID,
    { id_token_signed_response_alg: "RS256" },
    oidc.ClientSecretPost(config.KEYCLOAK_CLIENT_SECRET),
  );
  client.timeout = 10;
  client[oidc.customFetch] = (url, init) => fetch(url, init as RequestInit);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so as a warning; it is loopback
  oidc.allowInsecureRequests(client);
  // Without TLS it is the signature that says who wrote the id token (OpenID Connect Core, 3.1.3.7).
  oidc.enableNonRepudiationChecks(client);
  return client;
}

/** What people get to see says nothing of what was sent to us (weakness 3). */
function faultOf(cause: unknown): ServiceError {
  if (cause instanceof oidc.AuthorizationResponseError) {
    return new ServiceError(401, "ERR_SIGN_IN_REFUSED", "Sign-in was cancelled or refused.", {
      cause,
    });
  }
  const refused =
    (cause instanceof oidc.ResponseBodyError && cause.status < 500) ||
    (cause instanceof oidc.ClientError && !isOutage(cause));
  return refused
    ? new ServiceError(401, "ERR_SIGN_IN_REFUSED", "Sign-in did not succeed.", { cause })
    : new ServiceError(
        502,
        "ERR_SIGN_IN_UNAVAILABLE",
        "Authentication service temporarily unavailable.",
        { cause },
      );
}

/** An answer that is no answer of a token endpoint, or none at all. */
function isOutage({ code }: oidc.ClientError): boolean {
  return code === "OAUTH_RESPONSE_IS_NOT_CONFORM" || code === "OAUTH_TIMEOUT";
}
