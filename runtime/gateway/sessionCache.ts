import { hash } from "node:crypto";

import { ServiceError } from "../kernel/serviceError.ts";
import type { CoreClient, Session } from "./coreClient.ts";

export interface SessionCacheOptions {
  readonly core: Pick<CoreClient, "resolve">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Sessions kept; those used longest ago go first. Default 10000. */
  readonly capacity?: number;
}

interface Entry {
  readonly session: Session;
  /** When core said so. */
  readonly resolvedAt: number;
  /** Core did not answer: not asked again before. */
  readonly askAfter: number;
}

/** Milliseconds for which core's word is good while its event stream tells us of every change … */
const trust = 30_000;
/** … and while it does not. */
const trustUntold = 1000;
/** Milliseconds a session lives on when core does not answer (weakness 11). */
const grace = 300_000;
/** Milliseconds between questions to a core that does not answer, for each session. */
const pause = 5000;
/** Attempts to get an answer that no event has overtaken. */
const attempts = 3;

/**
 * Sessions by the secret of their cookie, which itself is not kept. What core announces ends here
 * at once; requests whose answer is not there yet are told when it does.
 */
export class SessionCache {
  /** Whether the event stream is connected. */
  told = false;
  #entries = new Map<string, Entry>();
  #keys = new Map<string, string>();
  #asking = new Map<string, Promise<Session | undefined>>();
  #watchers = new Map<string, Set<() => void>>();
  /** Counts announcements: an answer that was under way meanwhile may be the older truth. */
  #epoch = 0;
  readonly #core: Pick<CoreClient, "resolve">;
  readonly #now: () => number;
  readonly #capacity: number;

  constructor({ core, now = Date.now, capacity = 10_000 }: SessionCacheOptions) {
    this.#core = core;
    this.#now = now;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * The session of a cookie; undefined when there is none.
   * @throws ServiceError 503 when core does not answer and the session is not known well enough
   */
  async find(cookie: string): Promise<Session | undefined> {
    const key = keyOf(cookie);
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      const age = this.#now() - entry.resolvedAt;
      const fresh = age < (this.told ? trust : trustUntold) || this.#now() < entry.askAfter;
      if (fresh && this.#isUsable(entry)) {
        this.#touch(key, entry);
        return entry.session;
      }
    }
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(cookie, key).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return await asking;
  }

  /** Whether a session is known by its id, and nothing was said against it since core vouched for it. */
  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** Takes up a session that core has just made. */
  add(cookie: string, session: Session): void {
    this.#keep(keyOf(cookie), session);
  }

  /** The session ended: at core, or here by signing out. */
  end(id: string): void {
    this.change(id);
    for (const end of this.#watchers.get(id) ?? []) end();
  }

  /** Forgets what a cookie stands for, and ends what is under way for it. */
  forget(cookie: string): void {
    const entry = this.#entries.get(keyOf(cookie));
    if (entry !== undefined) this.end(entry.session.id);
  }

  /** Something about the session is not as it was. */
  change(id: string): void {
    this.#epoch += 1;
    const key = this.#keys.get(id);
    this.#keys.delete(id);
    if (key !== undefined) this.#entries.delete(key);
  }

  /** Announcements may have been missed. */
  clear(): void {
    this.#epoch += 1;
    this.#entries.clear();
    this.#keys.clear();
  }

  /** @returns stops watching */
  watch(id: string, end: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(end));
    return () => {
      watchers.delete(end);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  async #ask(cookie: string, key: string): Promise<Session | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const epoch = this.#epoch;
      let session: Session | undefined;
      try {
        session = await this.#core.resolve(cookie);
      } catch (fault) {
        return this.#surviving(key, fault);
      }
      if (session === undefined) {
        const known = this.#entries.get(key);
        if (known !== undefined) this.end(known.session.id);
        return undefined;
      }
      if (epoch === this.#epoch) {
        this.#keep(key, session);
        return session;
      }
      if (attempt === attempts) return session;
    }
  }

  #surviving(key: string, fault: unknown): Session {
    const entry = this.#entries.get(key);
    const unavailable = fault instanceof ServiceError && fault.code === "ERR_CORE_UNAVAILABLE";
    const now = this.#now();
    if (!unavailable || entry === undefined || !this.#isUsable(entry)) throw fault;
    if (now - entry.resolvedAt > grace) throw fault;
    this.#entries.set(key, { ...entry, askAfter: now + pause });
    return entry.session;
  }

  #isUsable({ session, resolvedAt }: Entry): boolean {
    const now = this.#now();
    const ends = Math.min(session.expires_at, session.token_expires_at) * 1000;
    return now < ends && now - resolvedAt <= grace;
  }

  #keep(key: string, session: Session): void {
    this.#touch(key, { session, resolvedAt: this.#now(), askAfter: 0 });
    this.#keys.set(session.id, key);
    if (this.#entries.size <= this.#capacity) return;
    const [oldest] = this.#entries;
    if (oldest === undefined) return;
    this.#entries.delete(oldest[0]);
    this.#keys.delete(oldest[1].session.id);
  }

  /** Last in the order of a Map is the one used last. */
  #touch(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }
}

function keyOf(cookie: string): string {
  return hash("sha256", cookie, "base64url");
}
