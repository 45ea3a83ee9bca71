import type { Session } from "./coreClient.ts";
import type { Exchange } from "./exchange.ts";
import type { SessionCache } from "./sessionCache.ts";
import { readSessionCookie } from "./sessionCookie.ts";

/**
 * Tells once when a session ends, by what core announces or by its time; for what lasts: event
 * streams and WebSockets. @returns stops that
 */
export type SessionWatch = (exchange: Exchange, session: Session, end: () => void) => () => void;

/** Milliseconds; the longest a timer can. */
const longest = 2 ** 31 - 1;

export function createSessionWatch(sessions: SessionCache, now: () => number): SessionWatch {
  return (exchange, session, end) => {
    const rest = session.expires_at * 1000 - now();
    const timer = setTimeout(end, Math.min(longest, Math.max(0, rest)));
    const unwatch = sessions.watch(session.id, end);
    // It may have ended while the backend made up its mind, when nobody watched.
    if (!sessions.has(session.id)) {
      const cookie = readSessionCookie(exchange.request.headers.cookie);
      const asked = cookie === undefined ? undefined : sessions.find(cookie);
      void Promise.resolve(asked).then(
        (found) => {
          if (found === undefined) end();
        },
        () => {
          end();
        },
      );
    }
    return () => {
      clearTimeout(timer);
      unwatch();
    };
  };
}
