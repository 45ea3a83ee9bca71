import { ServiceError } from "../kernel/serviceError.ts";

export interface RateLimitOptions {
  /** Requests a minute, at once or spread. */
  readonly perMinute: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Keys kept; those that asked longest ago go first. Default 20000. */
  readonly capacity?: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Token buckets by key: one for each user, or for each address. */
export class RateLimit {
  #buckets = new Map<string, Bucket>();
  readonly #perMinute: number;
  readonly #perMillisecond: number;
  readonly #now: () => number;
  readonly #capacity: number;

  constructor({ perMinute, now, capacity = 20_000 }: RateLimitOptions) {
    this.#perMinute = perMinute;
    this.#perMillisecond = perMinute / 60_000;
    this.#now = now;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** @throws ServiceError 429 ERR_RATE_LIMIT with Retry-After and retry_after, in seconds (contract 1.10) */
  take(key: string): void {
    const now = this.#now();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: this.#perMinute, at: now };
      this.#make(key, bucket);
    } else {
      const earned = Math.max(0, now - bucket.at) * this.#perMillisecond;
      bucket.tokens = Math.min(this.#perMinute, bucket.tokens + earned);
      bucket.at = now;
    }
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return;
    }
    const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perMillisecond / 1000));
    throw new ServiceError(429, "ERR_RATE_LIMIT", "Too many requests. Try again shortly.", {
      headers: { "retry-after": String(seconds) },
      members: { retry_after: seconds },
    });
  }

  #make(key: string, bucket: Bucket): void {
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#capacity) return;
    for (const [oldest] of this.#buckets) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}

/** One client by its address: of IPv6, a whole network of 64 bits belongs to one line. */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array<string>(Math.max(0, zeros)).fill("0"), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
