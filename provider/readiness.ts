import { z } from "zod";

import { Fault } from "./fault.ts";
import { argumentVector, environment, seconds, type Shape } from "./schema.ts";
import type { Context } from "./resource.ts";
import type { Transport } from "./transport/transport.ts";

const port = z.int().min(1).max(65_535);

/** One proof that something is ready; exactly one key. */
export const checkSchema = z
  .strictObject({
    tcp: z.strictObject({ host: z.string().optional(), port }).optional(),
    http: z
      .strictObject({
        url: z.url({ protocol: /^https?$/, error: "must be an http: or https: URL" }),
        status: z.int().min(100).max(599).optional(),
        certificateAuthority: z.string().optional(),
      })
      .optional(),
    exec: z.strictObject({ command: argumentVector(), env: environment().optional() }).optional(),
  })
  .refine((check) => Object.values(check).filter((item) => item !== undefined).length === 1, {
    error: "must have exactly one of tcp, http and exec",
  });

export type Check = z.output<typeof checkSchema>;

export const arguments_ = {
  checks: z.array(checkSchema).min(1).describe("All must pass."),
  timeout: seconds(90).describe("Seconds until it fails; default 90."),
} satisfies Shape;

export interface Arguments {
  readonly checks: readonly Check[];
  readonly timeout: number;
}

/** Seconds an attempt may take. */
const attemptTime = 5;

/** @throws Fault when a check does not pass in time. */
export async function getReadiness(
  { transport, signal, progress }: Context,
  { checks, timeout }: Arguments,
): Promise<void> {
  const deadline = Date.now() + timeout * 1000;
  for (;;) {
    const reason = await firstFailure(transport, checks, signal);
    if (reason === undefined) return;
    if (Date.now() >= deadline) throw new Fault(`Not ready after ${timeout} s: ${reason}.`);
    progress(`waiting: ${reason}`);
    await pause(signal);
  }
}

/** Why the first check that does not pass does not; undefined when all pass. */
export async function firstFailure(
  transport: Transport,
  checks: readonly Check[],
  signal: AbortSignal,
  user?: string,
): Promise<string | undefined> {
  const reasons = await Promise.all(
    checks.map(async (check) => {
      signal.throwIfAborted();
      const time = AbortSignal.any([signal, AbortSignal.timeout(attemptTime * 1000)]);
      const attempt = await import("./attempt.ts");
      return attempt.attempt(transport, check, time, user);
    }),
  );
  signal.throwIfAborted();
  return reasons.find((reason) => reason !== undefined);
}

/** Between two looks. */
export function pause(signal: AbortSignal, milliseconds = 150): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new Fault("Interrupted; run the same command again."));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
