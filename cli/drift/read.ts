import { HiveError } from "../hiveError.ts";
import { servers } from "../servers.ts";
import type { Finding } from "./findings.ts";
import { lookAround, notLooked, serverOf } from "./look.ts";
import type { Memory } from "./memory.ts";
import { look, run } from "./preview.ts";
import { Witnesses } from "./providers.ts";
import type { Report } from "./report.ts";

export interface DriftOptions {
  /** Folder of the Pulumi project. */
  readonly folder: string;
  readonly stack: string;
  /** Environment of `pulumi`. */
  readonly env: NodeJS.ProcessEnv;
  /** Knows what was seen before. */
  readonly memory: Memory;
  readonly now?: Date;
}

/**
 * Compares what is there with what the last `up` left. Changes nothing but the memory.
 * @throws HiveError with exit code 3 when nothing could be looked at
 */
export async function readDrift(options: DriftOptions): Promise<Report> {
  const { folder, stack, env, memory } = options;
  const time = (options.now ?? new Date()).toISOString();
  const view = await lookAround((exclude) => look(folder, stack, env, exclude));
  const witnesses = view.findings.length === 0 ? undefined : new Witnesses(await exported(options));
  try {
    const drift = await Promise.all(
      view.findings.map(async (finding) => ({
        ...told(finding),
        firstSeen: memory.firstSeen(keyOf(finding), time),
        recorded: (await witnesses?.of(finding)) ?? [],
      })),
    );
    memory.write(
      Object.fromEntries(drift.map((finding) => [keyOf(finding), finding.firstSeen])),
      (key) => view.notSeen.some(({ server }) => serverOf(key) === server),
    );
    const looked = view.preview.steps.filter(({ op }) => op === "refresh").length;
    const notSeen = view.notSeen.map(({ server, reason }) => ({
      server: servers[server].name,
      reason,
    }));
    return { stack, time, looked, drift, notSeen };
  } finally {
    witnesses?.close();
  }
}

/** With what the providers sign in with; stays in this process. */
async function exported({ folder, stack, env }: DriftOptions): Promise<string> {
  const args = ["stack", "export", "--stack", stack, "--show-secrets", "--non-interactive"];
  const { code, stdout, stderr } = await run("pulumi", args, folder, env);
  if (code !== 0)
    throw new HiveError(`\`pulumi stack export\` failed: ${stderr.trim()}`, notLooked);
  return stdout;
}

function keyOf({ urn, property }: Pick<Finding, "urn" | "property">): string {
  return property === null ? urn : `${urn} ${property}`;
}

function told({ urn, type, name, id, property, expected, found }: Finding) {
  return { urn, type, name, id, property, expected, found };
}
