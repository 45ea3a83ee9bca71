import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { ServiceError } from "../kernel/serviceError.ts";

/** `/as/<name>/<secret>` and the path and query after it. */
const capabilityPath = /^\/as\/([^/?]*)\/([^/?]*)(\/[^?]*)?(\?.*)?$/;

/** Who asked by a capability path; null: nobody we know. */
type Claimed = string | null;

/**
 * The services that prove who they are by a secret of their own: with HTTP Basic (RFC 7617), or, as
 * the unmodified ones know only one address of core, with a path that has name and secret in it.
 */
export class Callers {
  readonly #hashes: ReadonlyMap<string, Buffer>;
  readonly #claimed = new WeakMap<IncomingMessage, Claimed>();

  /** @param secrets by name */
  constructor(secrets: Readonly<Record<string, string>>) {
    const entries = Object.entries(secrets);
    this.#hashes = new Map(entries.map(([name, secret]) => [name, hash(secret)]));
  }

  /** Whether it is a service of the platform. */
  has(name: string): boolean {
    return this.#hashes.has(name);
  }

  /**
   * Takes the proof out of the path before anything else sees it.
   * @returns the path without it; `/` when no sense can be made of it
   */
  stripProof(request: IncomingMessage): string {
    const url = request.url ?? "/";
    // Once: what is left of a path is not looked at for another proof.
    if (this.#claimed.has(request)) return url;
    if (url.startsWith("/") && !/^\/as(\/|\?|$)/.test(url)) return url;
    const [, name = "", secret = "", path = "/", query = ""] = capabilityPath.exec(url) ?? [];
    this.#claimed.set(request, this.#verify(decode(name), decode(secret)));
    const stripped = `${path}${query}`;
    // Fastify has kept the line as it came; nothing must print it.
    Object.assign(request, { url: stripped, originalUrl: stripped });
    return stripped;
  }

  /** Whether the request has a capability path that is not right. */
  isFalse(request: IncomingMessage): boolean {
    return this.#claimed.get(request) === null;
  }

  /** Name of the service whose secret the request has. */
  find(request: IncomingMessage): string | undefined {
    return this.#claimed.get(request) ?? this.#basic(request.headers.authorization) ?? undefined;
  }

  /**
   * Name of the service that sent the request.
   * @throws ServiceError 401 when it did not prove it
   */
  of(request: IncomingMessage): string {
    const name = this.find(request);
    if (name === undefined) throw unauthenticated();
    return name;
  }

  #basic(header: string | undefined): Claimed {
    const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? "")?.[1];
    if (encoded === undefined) return null;
    const text = Buffer.from(encoded, "base64").toString("utf8");
    const colon = text.indexOf(":");
    return this.#verify(text.slice(0, Math.max(colon, 0)), text.slice(colon + 1));
  }

  #verify(name: string, secret: string): Claimed {
    const known = this.#hashes.get(name);
    // An unknown name takes as long as a wrong secret.
    const equal = timingSafeEqual(hash(secret), known ?? hash(name));
    return known !== undefined && equal ? name : null;
  }
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** Says no more than that: what was wrong is in the audit trail. */
export function unauthenticated(): ServiceError {
  return new ServiceError(401, "ERR_CALLER", "The caller did not prove which service it is.", {
    headers: { "www-authenticate": 'Basic realm="core", charset="UTF-8"' },
  });
}
