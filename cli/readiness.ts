import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { answersHttp, answersTcp } from "./probe.ts";
import type { Trial } from "./trial.ts";

/** `<root>/services/<name>/ready.json`: what a service has to answer; checks by command are left out. */
const manifestSchema = z.array(
  z.union([
    z.looseObject({ tcp: z.looseObject({ port: z.number() }) }),
    z.looseObject({ http: z.looseObject({ url: z.string(), status: z.number().optional() }) }),
    z.looseObject({ exec: z.unknown() }),
  ]),
);

/**
 * Whether a running service answers.
 * @returns undefined when nothing is known to ask it
 */
export async function isReady(trial: Trial, name: string): Promise<boolean | undefined> {
  const { ports } = trial;
  if (name === "postgres") return await answersTcp(ports.postgres);
  if (name === "keycloak") {
    return await answersHttp(`http://127.0.0.1:${ports.keycloakManagement}/health/ready`, 200);
  }
  const probes = readManifest(trial, name).flatMap((check) => {
    if ("tcp" in check) return [answersTcp((check.tcp as { port: number }).port)];
    if (!("http" in check)) return [];
    const { url, status } = check.http as { url: string; status?: number };
    return [answersHttp(url, status ?? 200)];
  });
  if (probes.length === 0) return undefined;
  return (await Promise.all(probes)).every(Boolean);
}

function readManifest(trial: Trial, name: string): z.infer<typeof manifestSchema> {
  try {
    const path = join(trial.root, "services", name, "ready.json");
    return manifestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return [];
  }
}
