import { ServiceError } from "../kernel/serviceError.ts";

/** Buckets at a time; the one that was used least lately goes first. */
const most = 10_000;

interface Bucket {
  left: number;
  /** Milliseconds. */
  at: number;
}

/** How often one session or one caller may ask; nobody's bucket is another's. */
export class Limits {
  readonly #clock: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param clock milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /**
   * @param what with whose it is, e.g. `revoke` of a session: a bucket of its own
   * @param perMinute its size; it fills again evenly
   * @throws ServiceError 429 with Retry-After
   */
  take(what: string, whose: string, perMinute: number): void {
    const key = `${what} ${whose}`;
    const now = this.#clock();
    const bucket = this.#buckets.get(key) ?? { left: perMinute, at: now };
    const refilled = (Math.max(0, now - bucket.at) * perMinute) / 60_000;
    bucket.left = Math.min(perMinute, bucket.left + refilled);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > most) {
      const [oldest = ""] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    if (bucket.left < 1) throw tooMany(Math.ceil(((1 - bucket.left) * 60) / perMinute));
    bucket.left -= 1;
  }
}

function tooMany(seconds: number): ServiceError {
  return new ServiceError(429, "ERR_LIMIT", `Too many requests; again in ${seconds} s.`, {
    headers: { "retry-after": String(seconds) },
    members: { retry_after: seconds },
  });
}
