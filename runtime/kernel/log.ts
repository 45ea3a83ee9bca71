import { pino } from "pino";

import type { Level } from "./level.ts";

export type Log = pino.Logger;

/** One line of the platform's log (contract 3.2). */
export interface Entry {
  readonly level: Level;
  readonly message: string;
  /** ISO 8601 in UTC; default now. */
  readonly timestamp?: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly trace_id?: string;
  readonly user_id?: string;
}

/** Where a secret could stand in what is logged; compiled once. */
const secretPaths = ["authorization", "cookie", "password", "token", "secret", "access_token"];

/**
 * Lines of JSON on standard output, which the supervisor keeps and the logger collects.
 * @param destination for tests
 */
export function createLog(
  service: string,
  level: string,
  destination?: pino.DestinationStream,
): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: secretPaths.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]),
      censor: "[secret]",
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
