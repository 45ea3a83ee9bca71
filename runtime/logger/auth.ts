import type { FastifyRequest } from "fastify";
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from "jose";

import { ServiceError } from "../kernel/serviceError.ts";
import {
  bearerOf,
  type PermissionLevel,
  TokenError,
  verifyToken,
  type ServiceClaims,
  type UserClaims,
} from "../kernel/token.ts";

/** Services by the level whose users may read their lines; administrators read everything. */
export type Readers = Readonly<Partial<Record<PermissionLevel, readonly string[]>>>;

export type Claims = UserClaims | ServiceClaims;

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; null until a hook of `Auth` let the request in. */
    claims: Claims | null;
    /** Services whose lines the caller may read; null: all of them. Set by `Auth.reader`. */
    visible: readonly string[] | null;
  }
}

/** Core does not answer, so that no token can be checked with a key not seen before. */
class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

/** Keys that core publishes, fetched when one is needed that is not known. */
export function remoteKeys(coreUrl: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(`${coreUrl}/.well-known/jwks.json`), {
    timeoutDuration: 3000,
    // A key that core has just begun to use is found after this time at the latest.
    cooldownDuration: 5000,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      const answered =
        cause instanceof errors.JOSEError &&
        !(cause instanceof errors.JWKSTimeout) &&
        cause.code !== "ERR_JOSE_GENERIC";
      throw answered ? cause : new KeysUnavailable("core does not answer", { cause });
    }
  };
}

/** Service tokens whose signature is not checked again with every batch, and milliseconds of that. */
const remembered = 100;
const memory = 10_000;

/** Hooks that let a request in or refuse it, before its body is read. */
export class Auth {
  readonly #keys: JWTVerifyGetKey;
  readonly #name: string;
  readonly #readers: Readers;
  readonly #services = new Map<string, { claims: ServiceClaims; until: number }>();

  /**
   * @param name of this service, which service tokens must be made for
   * @param readers services whose lines a level below administrator may read
   */
  constructor(keys: JWTVerifyGetKey, name: string, readers: Readers = {}) {
    this.#keys = keys;
    this.#name = name;
    this.#readers = readers;
  }

  /** Administrators, and services with a token for this one. */
  readonly adminOrService = async (request: FastifyRequest): Promise<void> => {
    const claims = await this.#identify(request);
    if (claims.type !== "service" && claims.permission_level !== "admin") {
      throw forbidden("Admin access required.");
    }
  };

  /** Administrators alone. */
  readonly admin = async (request: FastifyRequest): Promise<void> => {
    const claims = await this.#identify(request);
    if (claims.type === "service") throw forbidden("This endpoint is for users only");
    if (claims.permission_level !== "admin") throw forbidden("Admin access required.");
  };

  /** Users who may read lines of some services at least; `request.visible` says of which. */
  readonly reader = async (request: FastifyRequest): Promise<void> => {
    const claims = await this.#identify(request);
    if (claims.type === "service") throw forbidden("This endpoint is for users only");
    if (claims.permission_level === "admin") return;
    const visible = this.#readers[claims.permission_level] ?? [];
    if (visible.length === 0) throw forbidden("Admin access required.");
    request.visible = visible;
  };

  async #identify(request: FastifyRequest): Promise<Claims> {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) {
      throw unauthorized("Authorization header is missing or invalid.");
    }
    const claims = await this.#verify(token);
    if (claims.type === "service" && claims.target_service !== this.#name) {
      throw forbidden("The token is for another service");
    }
    request.claims = claims;
    return claims;
  }

  #remember(token: string, claims: ServiceClaims): void {
    if (this.#services.size >= remembered) this.#services.clear();
    const until = Math.min(Date.now() + memory, claims.exp * 1000);
    this.#services.set(token, { claims, until });
  }

  async #verify(token: string): Promise<Claims> {
    const known = this.#services.get(token);
    if (known !== undefined && known.until > Date.now()) return known.claims;
    try {
      const claims = await verifyToken(token, this.#keys);
      if (claims.type === "service") this.#remember(token, claims);
      return claims;
    } catch (fault) {
      if (!(fault instanceof TokenError)) throw fault;
      if (!(fault.cause instanceof KeysUnavailable)) throw unauthorized(fault.message);
      throw new ServiceError(503, "ERR_KEYS_UNAVAILABLE", "Tokens cannot be checked now.", {
        cause: fault,
        headers: { "retry-after": "5" },
        members: { error: "Tokens cannot be checked now" },
      });
    }
  }
}

function unauthorized(message: string): ServiceError {
  return new ServiceError(401, "ERR_UNAUTHORIZED", message, {
    headers: { "www-authenticate": "Bearer" },
    members: { error: message },
  });
}

function forbidden(message: string): ServiceError {
  return new ServiceError(403, "ERR_FORBIDDEN", message, { members: { error: message } });
}
