import { decodeJwt } from "jose";
import { z } from "zod";

import { ServiceError } from "../kernel/serviceError.ts";
import { permissionLevels } from "../kernel/token.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

const user = z.object({
  sub: z.string(),
  name: text,
  email: text,
  preferred_username: text,
  permission_level: z.enum(permissionLevels),
  groups: z.array(z.string()),
});

const session = z.object({
  /** `jti` of its tokens; not the secret of its cookie. */
  id: z.string().min(1),
  /** The user's token of the platform, for backends. */
  token: z.string().min(1),
  /** Seconds since 1970. */
  token_expires_at: z.number(),
  /** Seconds since 1970; the session ends then whatever happens. */
  expires_at: z.number(),
  user,
});

const validated = z.object({ valid: z.literal(true), user });

const moment = z.iso.datetime();
const line = z.object({
  id: z.string().min(1),
  user,
  address: z.string().nullable(),
  agent: z.string().nullable(),
  /** Made by hand. */
  minted: z.boolean(),
  created_at: moment,
  seen_at: moment.nullable(),
  expires_at: moment,
  /** Whether it is the one that asks. */
  current: z.boolean(),
});
const listed = z.object({ sessions: z.array(line) });

const created = z.object({ cookie: z.string().regex(/^[A-Za-z0-9_-]{43}$/), session });
const resolved = z.object({ session });
const ended = z.object({ id_token: text });
const problem = z.object({ code: z.literal("ERR_IDENTITY_UNAVAILABLE") });
const issued = z.object({ token: z.string().min(1) });

export type Session = Readonly<z.output<typeof session>>;

/** A session for people's eyes. */
export type SessionLine = Readonly<z.output<typeof line>>;

export interface KeycloakTokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
}

export interface Client {
  readonly address: string;
  readonly agent: string;
}

/** What the gateway asks core for. Every method fails with 503 ERR_CORE_UNAVAILABLE when core does not answer. */
export interface CoreClient {
  /** @throws ServiceError 401 ERR_SIGN_IN_REFUSED when core does not accept Keycloak's tokens */
  create(tokens: KeycloakTokens, client: Client): Promise<{ cookie: string; session: Session }>;
  /**
   * Undefined: there is no such session (any more).
   * @throws ServiceError 503 ERR_IDENTITY_UNAVAILABLE when core does not vouch for it any longer
   */
  resolve(cookie: string): Promise<Session | undefined>;
  /** As `resolve`, after core has asked Keycloak. */
  refresh(cookie: string): Promise<Session | undefined>;
  /** Keycloak's id token of the session, if core has it. There may be no such session. */
  end(cookie: string): Promise<{ readonly idToken: string | undefined }>;
  /** The session of a person's token; undefined: it is over, or the token is no person's. */
  validate(token: string): Promise<Session | undefined>;
  /** Those of the cookie's user, or everybody's. @throws ServiceError 403 for who is no administrator */
  listSessions(cookie: string, everybody: boolean): Promise<readonly SessionLine[]>;
  /** @throws ServiceError 403 for another's session and who is no administrator */
  endSession(cookie: string, id: string): Promise<void>;
  /** @param sub default the cookie's own user. @throws ServiceError as above */
  endEverywhere(cookie: string, sub: string | undefined): Promise<void>;
  /** A service token of the gateway for another service, kept until it is about to expire. */
  serviceToken(target: string, renew: boolean): Promise<string>;
  /** Events after that number, for as long as the connection lasts. */
  events(after: string | undefined, signal: AbortSignal): Promise<Response>;
}

export interface CoreClientOptions {
  /** Without a path. */
  readonly url: string;
  /** Name and secret by which the gateway proves itself. */
  readonly name: string;
  readonly secret: string;
  readonly fetch?: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Milliseconds. Core may have to ask Keycloak. */
const timeout = 10_000;

/** Milliseconds before its end at which a service token is not used any more. */
const margin = 60_000;

export function createCoreClient(options: CoreClientOptions): CoreClient {
  const { url, name, secret, fetch: send = fetch, now = Date.now } = options;
  const authorization = `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
  const tokens = new Map<string, { readonly token: string; readonly end: number }>();

  async function post(path: string, body: unknown): Promise<{ status: number; answer: unknown }> {
    try {
      const response = await send(`${url}${path}`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(timeout),
      });
      return { status: response.status, answer: await response.json() };
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  async function find(path: string, cookie: string): Promise<Session | undefined> {
    const { status, answer } = await post(path, { cookie });
    if (status === 404) return undefined;
    if (status === 503 && problem.safeParse(answer).success) {
      throw new ServiceError(
        503,
        "ERR_IDENTITY_UNAVAILABLE",
        "Authentication service temporarily unavailable.",
        { headers: { "retry-after": "5" } },
      );
    }
    return read(resolved, status, answer).session;
  }

  /** What only some may. */
  async function demand(path: string, body: unknown): Promise<unknown> {
    const { status, answer } = await post(path, body);
    if (status === 403) {
      throw new ServiceError(403, "ERR_LEVEL", "This is for administrators.");
    }
    if (status === 404) {
      throw new ServiceError(404, "ERR_SESSION_UNKNOWN", "There is no such session any more.");
    }
    if (status !== 200) throw unavailable(new Error(`core answered ${String(status)}`));
    return answer;
  }

  return {
    async validate(token) {
      const { status, answer } = await post("/api/token/validate", { token });
      if (status === 400 || status === 401) return undefined;
      const { user: known } = read(validated, status, answer);
      const { jti = "", exp = 0 } = decodeJwt(token);
      return { id: jti, token, token_expires_at: exp, expires_at: exp, user: known };
    },
    async listSessions(cookie, everybody) {
      return read(listed, 200, await demand("/v1/sessions/list", { cookie, everybody })).sessions;
    },
    async endSession(cookie, id) {
      await demand("/v1/sessions/end-one", { cookie, id });
    },
    async endEverywhere(cookie, sub) {
      await demand("/v1/sessions/end-everywhere", {
        cookie,
        ...(sub === undefined ? {} : { sub }),
      });
    },
    async create(given, { address, agent }) {
      const { status, answer } = await post("/v1/sessions", { ...given, address, agent });
      if (status === 400 || status === 401 || status === 403 || status === 422) {
        throw new ServiceError(401, "ERR_SIGN_IN_REFUSED", "Sign-in was not accepted.", {
          cause: new Error(`core answered ${String(status)}`),
        });
      }
      return read(created, status, answer);
    },
    resolve: (cookie) => find("/v1/sessions/resolve", cookie),
    refresh: (cookie) => find("/v1/sessions/refresh", cookie),
    async end(cookie) {
      const { status, answer } = await post("/v1/sessions/end", { cookie });
      return { idToken: status === 404 ? undefined : read(ended, status, answer).id_token };
    },
    async serviceToken(target, renew) {
      const known = tokens.get(target);
      if (!renew && known !== undefined && known.end - margin > now()) return known.token;
      const { status, answer } = await post("/service-token", {
        calling_service: name,
        target_service: target,
      });
      const { token } = read(issued, status, answer);
      tokens.set(target, { token, end: (decodeJwt(token).exp ?? 0) * 1000 });
      return token;
    },
    events: (after, signal) =>
      send(`${url}/v1/events`, {
        headers: {
          authorization,
          accept: "text/event-stream",
          ...(after === undefined ? {} : { "last-event-id": after }),
        },
        redirect: "error",
        signal,
      }),
  };
}

function read<S extends z.ZodType>(schema: S, status: number, answer: unknown): z.output<S> {
  const parsed = schema.safeParse(answer);
  // Not the answer itself: there are secrets in it.
  if (status < 200 || status > 299 || !parsed.success) {
    throw unavailable(new Error(`core answered ${String(status)}, or not in the agreed form`));
  }
  return parsed.data;
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError(
    503,
    "ERR_CORE_UNAVAILABLE",
    "Sign-in is not available for a moment. Try again shortly.",
    { cause, headers: { "retry-after": "5" } },
  );
}
