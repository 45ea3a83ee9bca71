import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { answersHttp, answersTcp } from "./probe.ts";
import type { Trial } from "./trial.ts";

/** `<root>/health.json`: address by service that answers 200 when the service is ready. */
const addressesSchema = z.record(z.string(), z.url());

/**
 * Whether a running service answers.
 * @returns undefined when nothing is known to ask it
 */
export async function isReady(trial: Trial, name: string): Promise<boolean | undefined> {
  if (name === "postgres") return await answersTcp(trial.ports.postgres);
  const url = readAddresses(trial)[name];
  if (url === undefined) return undefined;
  return await answersHttp(url, 200, read(join(trial.root, "tls", "ca.crt")));
}

function readAddresses({ root }: Trial): z.infer<typeof addressesSchema> {
  const text = read(join(root, "health.json"));
  return text === undefined ? {} : addressesSchema.parse(JSON.parse(text));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
