import { hash } from "node:crypto";

/** A session that was found to go on, and what is answered about it. */
export interface KnownSession {
  readonly id: string;
  /** Milliseconds since 1970; after it the database is asked. */
  readonly until: number;
  /** JSON text. */
  readonly answer: string;
}

interface KnownToken {
  readonly session: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Of the published keys when it was verified. */
  readonly keys: number;
}

export interface KnownSessionsOptions {
  /** Whether every change of a session is heard of in time; while not, nothing is known. */
  readonly isTold: () => boolean;
  /** Changes whenever a key is published or withdrawn. */
  readonly keys: () => number;
  /** Milliseconds. */
  readonly clock: () => number;
  /** Tokens at a time, default 10,000; those found first go first. */
  readonly capacity?: number;
  /** Characters of answers at a time, default 16 Mi. */
  readonly characters?: number;
}

/**
 * What core knows by heart of sessions that are asked about all the time. It is told of each change
 * by the database, whichever process made it; an answer that a change has overtaken is not kept.
 */
export class KnownSessions {
  readonly #options: Required<KnownSessionsOptions>;
  readonly #tokens = new Map<string, KnownToken>();
  readonly #sessions = new Map<string, KnownSession>();
  #characters = 0;
  /** Counts what was heard of: whoever asks the database compares it before and after. */
  epoch = 0;

  constructor(options: KnownSessionsOptions) {
    this.#options = { capacity: 10_000, characters: 16_777_216, ...options };
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** The session of a token that was seen before and is still good, byte for byte the same. */
  find(token: string): KnownSession | undefined {
    const { isTold, keys, clock } = this.#options;
    const known = this.#tokens.get(keyOf(token));
    if (known === undefined || !isTold()) return undefined;
    const now = clock();
    const good = known.issuedAt <= now && now < known.expiresAt && known.keys === keys();
    const session = good ? this.#sessions.get(known.session) : undefined;
    return session !== undefined && now < session.until ? session : undefined;
  }

  /** @param epoch as it was before the database was asked */
  keep(
    token: string,
    about: Omit<KnownToken, "session">,
    session: KnownSession,
    epoch: number,
  ): void {
    if (epoch !== this.epoch) return;
    const { capacity, characters } = this.#options;
    this.forget(session.id, false);
    this.#sessions.set(session.id, session);
    this.#characters += session.answer.length;
    this.#tokens.set(keyOf(token), { ...about, session: session.id });
    for (const [key] of this.#tokens) {
      if (this.#tokens.size <= capacity) break;
      this.#tokens.delete(key);
    }
    for (const [id] of this.#sessions) {
      if (this.#sessions.size <= capacity && this.#characters <= characters) break;
      this.forget(id, false);
    }
  }

  /** @param heard whether it has changed, so that answers under way are not kept */
  forget(id: string, heard = true): void {
    if (heard) this.epoch += 1;
    this.#characters -= this.#sessions.get(id)?.answer.length ?? 0;
    this.#sessions.delete(id);
  }

  clear(): void {
    this.epoch += 1;
    this.#characters = 0;
    this.#tokens.clear();
    this.#sessions.clear();
  }
}

/** The tokens themselves are not kept. */
function keyOf(token: string): string {
  return hash("sha256", token, "base64");
}
