import type { IncomingMessage } from "node:http";

import type { PagePolicy } from "./pagePolicy.ts";
import type { Composer } from "./transfer.ts";

/** A request on its way to a backend: all that was decided about it. */
export interface Forwarding {
  /** Of the backend. */
  readonly origin: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly rewriteLocation: (value: string) => string;
  /** Completes an HTML page on its way; absent: pages pass as they are. */
  readonly compose?: Compose | undefined;
  /** Somebody is signed in. */
  readonly personal: boolean;
  readonly policy: PagePolicy;
  /** Bytes of the request. */
  readonly bodyLimit: number;
  /** Milliseconds until the head of the answer is there. */
  readonly timeout: number;
  /** Told when the session ends; returns how to stop that. Event streams, which last, end with it. */
  readonly watch?: (end: () => void) => () => void;
}

export interface Compose {
  readonly begin: () => Composer;
  /** Of the page as it is sent, by that of the backend; undefined: it has none that would do. */
  readonly etag: (inner: string) => string | undefined;
}

/** Whether a request may be sent a second time (RFC 9110, 9.2.2), and can be: nothing of it is used up. */
export function isRepeatable({ method }: IncomingMessage, body: boolean): boolean {
  return (method === "GET" || method === "HEAD") && !body;
}
