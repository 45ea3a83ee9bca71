import { createHash } from "node:crypto";

import { bearerOf } from "../kernel/token.ts";
import type { CoreClient, Session } from "./coreClient.ts";

export interface ApiClientsOptions {
  readonly core: Pick<CoreClient, "validate">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Milliseconds for which core's word about a token is good: a revocation is everywhere in a second. */
const trust = 900;

/** Tokens at a time; those asked about first go first. */
const capacity = 1000;

/** Programs that show a person's token of the platform themselves, as `hive curl` does. */
export class ApiClients {
  readonly #options: ApiClientsOptions;
  readonly #known = new Map<string, { readonly session: Session; readonly askedAt: number }>();

  constructor(options: ApiClientsOptions) {
    this.#options = options;
  }

  /**
   * The session of a token; undefined: core does not know it, or it is none of a person.
   * @throws ServiceError 503 when core does not answer
   */
  async find(token: string): Promise<Session | undefined> {
    const { core, now } = this.#options;
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(key);
    const askedAt = now();
    if (known !== undefined && askedAt - known.askedAt < trust) return known.session;
    this.#known.delete(key);
    const session = await core.validate(token);
    if (session === undefined) return undefined;
    this.#known.set(key, { session, askedAt });
    for (const [oldest] of this.#known) {
      if (this.#known.size <= capacity) break;
      this.#known.delete(oldest);
    }
    return session;
  }
}

/** Whether a request says by itself who it is; then its cookie is of no interest. */
export function tokenIn(headers: { readonly authorization?: string | undefined }) {
  return bearerOf(headers.authorization);
}
