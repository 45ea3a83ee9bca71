import { z } from "zod";

import type { Log } from "../kernel/log.ts";
import type { CoreClient } from "./coreClient.ts";
import type { SessionCache } from "./sessionCache.ts";

const announced = z.object({ session: z.string() });

export interface EventStreamOptions {
  readonly core: Pick<CoreClient, "events">;
  readonly sessions: Pick<SessionCache, "end" | "change" | "clear" | "told">;
  readonly log: Log;
  /** Milliseconds to the first attempt after the connection is lost; doubled up to 10 s. Default 250. */
  readonly pause?: number;
  /** Milliseconds without a byte after which the connection counts as lost; core sends one every 15 s. Default 45000. */
  readonly silence?: number;
}

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** Absent: the event has none. */
  readonly id?: string;
}

const longestPause = 10_000;
/** Characters of one event; more is none of ours. */
const longestEvent = 65_536;

/**
 * Follows what core announces about sessions for as long as the process lives, from where the
 * last connection ended. Whatever may have been missed empties the cache.
 * @returns ends it
 */
export function followEvents(options: EventStreamOptions): () => void {
  const { core, sessions, log, pause = 250, silence = 45_000 } = options;
  const ending = new AbortController();
  let last: string | undefined;
  let newest: string | undefined;
  let wait = pause;
  let isTold = false;

  async function connectOnce(): Promise<void> {
    const connection = new AbortController();
    const abort = () => {
      connection.abort();
    };
    ending.signal.addEventListener("abort", abort);
    const watchdog = setTimeout(abort, silence);
    try {
      const response = await core.events(last, connection.signal);
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        throw new Error(`core answered ${String(response.status)}`);
      }
      const chunks = response.body.pipeThrough(new TextDecoderStream());
      for await (const event of readEvents(chunks, () => watchdog.refresh())) {
        take(event);
      }
    } finally {
      clearTimeout(watchdog);
      connection.abort();
      ending.signal.removeEventListener("abort", abort);
      sessions.told = false;
    }
  }

  function take({ event, data, id }: ServerEvent): void {
    if (event === "hello") {
      newest = id;
      wait = pause;
      isTold = false;
      // The first one, or a core whose numbers are behind what we have seen: another database.
      if (last === undefined || (id !== undefined && Number(id) < Number(last))) {
        sessions.clear();
        last = id;
      }
      sessions.told = true;
      return;
    }
    if (event === "reset") {
      sessions.clear();
      last = id ?? newest;
      return;
    }
    const known = announced.safeParse(parse(data));
    if (known.success && event === "session.ended") sessions.end(known.data.session);
    if (known.success && event === "session.changed") sessions.change(known.data.session);
    last = id ?? last;
  }

  const isEnding = () => ending.signal.aborted;

  async function follow(): Promise<void> {
    while (!isEnding()) {
      try {
        await connectOnce();
      } catch (fault) {
        // Once an outage, not at every attempt.
        if (!isTold && !isEnding()) log.warn({ err: fault }, "no events from core");
        isTold = true;
      }
      await sleep(wait * (0.5 + Math.random() / 2), ending.signal);
      wait = Math.min(2 * wait, longestPause);
    }
  }

  void follow();
  return () => {
    ending.abort();
  };
}

/** Server-sent events of a stream (HTML, 9.2.6), as far as core uses them. */
export async function* readEvents(
  chunks: AsyncIterable<string>,
  onBytes: () => void,
): AsyncGenerator<ServerEvent> {
  let buffer = "";
  for await (const chunk of chunks) {
    onBytes();
    buffer += chunk;
    for (;;) {
      const end = /\r?\n\r?\n/.exec(buffer);
      if (end === null) break;
      const event = readEvent(buffer.slice(0, end.index));
      buffer = buffer.slice(end.index + end[0].length);
      if (event !== undefined) yield event;
    }
    if (buffer.length > longestEvent) throw new Error("an event without an end");
  }
}

function readEvent(text: string): ServerEvent | undefined {
  const fields = text
    .split(/\r?\n/)
    .map((line) => /^([a-z]+): ?(.*)$/.exec(line))
    .filter((match) => match !== null);
  const all = (name: string) =>
    fields.filter(([, key]) => key === name).map(([, , value]) => value ?? "");
  if (fields.length === 0) return undefined;
  const id = all("id").at(-1);
  return {
    event: all("event").at(-1) ?? "message",
    data: all("data").join("\n"),
    ...(id === undefined ? {} : { id }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
