import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import {
  exportJWK,
  generateKeyPair,
  type GenerateKeyPairResult,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

export interface RealmUser {
  readonly sub: string;
  name: string;
  email: string;
  preferred_username: string;
  groups: string[];
  /** false: Keycloak refreshes nothing any more and answers 401 to userinfo. */
  enabled: boolean;
}

/** What the token endpoint answers. */
export interface RealmTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

export interface TestRealmOptions {
  /** Default `hivematrix`. */
  readonly realm?: string;
  /** Default `core-client`. */
  readonly clientId?: string;
  /** Default: the address on loopback; Keycloak behind the gateway has a public one. */
  readonly issuer?: string;
  /** Milliseconds; default Date.now. */
  readonly clock?: () => number;
}

interface Grant {
  readonly user: RealmUser;
  readonly nonce?: string | undefined;
  readonly challenge?: string | undefined;
}

interface RealmKey {
  readonly kid: string;
  readonly pair: GenerateKeyPairResult;
}

/**
 * Stands in for Keycloak with one realm and one confidential client: a real server on a free port
 * of loopback. Refresh tokens are good once, so that refreshing twice at a time is noticed.
 */
export class TestRealm {
  readonly realm: string;
  readonly clientId: string;
  readonly clientSecret = "the-secret-of-the-client";
  readonly users = new Map<string, RealmUser>();
  /** Method and path of each request, in order. */
  readonly requests: string[] = [];
  /** Whom the authorization endpoint signs in, without a form; undefined: 200 with a form. */
  signedIn: RealmUser | undefined;
  /** Status every endpoint answers instead, e.g. 503. */
  outage: number | undefined;
  /** Awaited before the token endpoint answers. */
  hold: Promise<void> | undefined;
  readonly clock: () => number;
  readonly #issuer: string | undefined;
  readonly #server: Server;
  readonly #refreshes = new Map<string, Grant>();
  readonly #codes = new Map<string, Grant>();
  #key: RealmKey;

  private constructor(server: Server, key: RealmKey, options: TestRealmOptions) {
    this.#server = server;
    this.#key = key;
    this.#issuer = options.issuer;
    this.realm = options.realm ?? "hivematrix";
    this.clientId = options.clientId ?? "core-client";
    this.clock = options.clock ?? Date.now;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
  }

  static async start(options: TestRealmOptions = {}): Promise<TestRealm> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TestRealm(server, await createKey(), options);
  }

  /** Address of the server, without a path: KEYCLOAK_URL. */
  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** `iss` of the tokens: KEYCLOAK_ISSUER. */
  get issuer(): string {
    return this.#issuer ?? `${this.url}/realms/${this.realm}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  addUser(name: string, groups: string[] = ["client"]): RealmUser {
    const user = {
      sub: randomUUID(),
      name: `${name} of Hive`,
      email: `${name}@hive.test`,
      preferred_username: name,
      groups,
      enabled: true,
    };
    this.users.set(user.sub, user);
    return user;
  }

  /** New tokens for a user, as after a sign-in. */
  async signIn(user: RealmUser, nonce?: string): Promise<RealmTokens> {
    const refresh = randomUUID();
    this.#refreshes.set(refresh, { user, nonce });
    const { sub, name, email, preferred_username, groups } = user;
    const profile = { sub, name, email, preferred_username, groups };
    return {
      access_token: await this.sign({ ...profile, typ: "Bearer", azp: this.clientId }),
      refresh_token: refresh,
      id_token: await this.sign({
        ...profile,
        typ: "ID",
        azp: this.clientId,
        aud: this.clientId,
        ...(nonce === undefined ? {} : { nonce }),
      }),
    };
  }

  /** Signs any claims with the realm's key; times and issuer are filled in unless given. */
  sign(claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const now = Math.floor(this.clock() / 1000);
    return new SignJWT({ iss: this.issuer, iat: now, exp: now + 300, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: this.#key.kid, ...header })
      .sign(this.#key.pair.privateKey);
  }

  /** The realm's public keys as it publishes them. */
  async jwks(): Promise<{ keys: JWK[] }> {
    const jwk = await exportJWK(this.#key.pair.publicKey);
    return { keys: [{ ...jwk, kid: this.#key.kid, use: "sig", alg: "RS256" }] };
  }

  async rotateKey(): Promise<void> {
    this.#key = await createKey();
  }

  /** Ends the user's session at Keycloak: no refresh any more. */
  endSessions(user: RealmUser): void {
    for (const [token, grant] of this.#refreshes) {
      if (grant.user.sub === user.sub) this.#refreshes.delete(token);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    this.requests.push(`${request.method ?? ""} ${url.pathname}`);
    const form = new URLSearchParams(await text(request));
    if (this.outage !== undefined) {
      send(response, this.outage, { error: "outage" });
      return;
    }
    const base = `/realms/${this.realm}`;
    switch (url.pathname.replace(`${base}/protocol/openid-connect`, "")) {
      case base:
        send(response, 200, { realm: this.realm });
        return;
      case `${base}/.well-known/openid-configuration`:
        send(response, 200, this.#metadata());
        return;
      case "/certs":
        send(response, 200, await this.jwks());
        return;
      case "/userinfo":
        this.#userinfo(request, response);
        return;
      case "/token":
        await this.hold;
        await this.#token(request, form, response);
        return;
      case "/auth":
        this.#authorize(url.searchParams, response);
        return;
      case "/logout":
        this.#logout(url.searchParams, response);
        return;
      default:
        send(response, 404, { error: "unknown path" });
    }
  }

  #metadata(): Record<string, unknown> {
    const inner = `${this.url}/realms/${this.realm}/protocol/openid-connect`;
    const outer = `${this.issuer}/protocol/openid-connect`;
    return {
      issuer: this.issuer,
      authorization_endpoint: `${outer}/auth`,
      end_session_endpoint: `${outer}/logout`,
      token_endpoint: `${inner}/token`,
      userinfo_endpoint: `${inner}/userinfo`,
      jwks_uri: `${inner}/certs`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** Like Keycloak it trusts what it signed; the tests of core say what core must check itself. */
  #userinfo(request: IncomingMessage, response: ServerResponse): void {
    const payload = request.headers.authorization?.split(".")[1] ?? "";
    const { sub } = JSON.parse(Buffer.from(payload, "base64url").toString() || "{}") as JWTPayload;
    const user = this.users.get(sub ?? "");
    if (user?.enabled !== true) {
      send(response, 401, { error: "invalid_token" });
      return;
    }
    const { name, email, preferred_username, groups } = user;
    send(response, 200, { sub, name, email, preferred_username, groups, email_verified: true });
  }

  async #token(
    request: IncomingMessage,
    form: URLSearchParams,
    response: ServerResponse,
  ): Promise<void> {
    const basic = Buffer.from(request.headers.authorization?.slice(6) ?? "", "base64").toString();
    const posted = `${form.get("client_id") ?? ""}:${form.get("client_secret") ?? ""}`;
    if (![basic, posted].includes(`${this.clientId}:${this.clientSecret}`)) {
      send(response, 401, { error: "unauthorized_client" });
      return;
    }
    const grant = this.#takeGrant(form);
    if (grant?.user.enabled !== true) {
      send(response, 400, { error: "invalid_grant", error_description: "Session not active" });
      return;
    }
    const tokens = await this.signIn(grant.user, grant.nonce);
    send(response, 200, { ...tokens, token_type: "Bearer", expires_in: 300, scope: "openid" });
  }

  #takeGrant(form: URLSearchParams): Grant | undefined {
    const refreshing = form.get("grant_type") === "refresh_token";
    const grants = refreshing ? this.#refreshes : this.#codes;
    const key = form.get(refreshing ? "refresh_token" : "code") ?? "";
    const grant = grants.get(key);
    grants.delete(key);
    if (grant?.challenge === undefined) return grant;
    const verifier = createHash("sha256").update(form.get("code_verifier") ?? "");
    return verifier.digest("base64url") === grant.challenge ? grant : undefined;
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    if (query.get("client_id") !== this.clientId) {
      send(response, 400, { error: "unauthorized_client" });
      return;
    }
    if (this.signedIn === undefined) {
      response.writeHead(200, { "content-type": "text/html" }).end("<form>Sign in</form>");
      return;
    }
    const code = randomUUID();
    this.#codes.set(code, {
      user: this.signedIn,
      nonce: query.get("nonce") ?? undefined,
      challenge: query.get("code_challenge") ?? undefined,
    });
    const back = new URL(query.get("redirect_uri") ?? "");
    back.searchParams.set("code", code);
    back.searchParams.set("iss", this.issuer);
    const state = query.get("state");
    if (state !== null) back.searchParams.set("state", state);
    response.writeHead(302, { location: back.href }).end();
  }

  #logout(query: URLSearchParams, response: ServerResponse): void {
    if (this.signedIn !== undefined) this.endSessions(this.signedIn);
    this.signedIn = undefined;
    const location = query.get("post_logout_redirect_uri");
    if (location === null) response.writeHead(200).end("Signed out");
    else response.writeHead(302, { location }).end();
  }
}

async function createKey(): Promise<RealmKey> {
  return { kid: randomUUID(), pair: await generateKeyPair("RS256", { extractable: true }) };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
