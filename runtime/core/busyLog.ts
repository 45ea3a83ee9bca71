import type { LogClient } from "../kernel/logClient.ts";

interface Seen {
  count: number;
  /** Milliseconds. */
  longest: number;
}

/** Milliseconds for which answers are counted before they are one line. */
const interval = 1000;

/** Tells the logger of busy paths: how often in a second, not each by itself. */
export class BusyLog {
  readonly #client: Pick<LogClient, "write"> | undefined;
  readonly #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;

  /** @param client undefined: there is no logger */
  constructor(client: Pick<LogClient, "write"> | undefined) {
    this.#client = client;
  }

  readonly note = (path: string, status: number, milliseconds: number): void => {
    if (this.#client === undefined) return;
    const key = `POST ${path} ${status}`;
    const seen = this.#seen.get(key);
    if (seen === undefined) this.#seen.set(key, { count: 1, longest: milliseconds });
    else {
      seen.count += 1;
      if (milliseconds > seen.longest) seen.longest = milliseconds;
    }
    this.#timer ??= setTimeout(() => {
      this.close();
    }, interval).unref();
  };

  /** Tells what was counted. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [key, { count, longest }] of this.#seen) {
      const [method = "", path = "", status = ""] = key.split(" ");
      const duration_ms = Math.round(longest);
      this.#client?.write({
        level: "INFO",
        message: `${key} ${count} times, ${duration_ms} ms at most`,
        context: { method, path, status: Number(status), count, duration_ms },
      });
    }
    this.#seen.clear();
  }
}
