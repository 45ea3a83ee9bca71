import { HiveError } from "../hiveError.ts";
import { servers } from "../servers.ts";
import { type Finding, findingsOf } from "./findings.ts";
import type { Look, Preview } from "./preview.ts";

type Server = keyof typeof servers;

/** Exit code when something could not be looked at; 1 is drift, 2 a wrong command line. */
export const notLooked = 3;

export interface NotSeen {
  readonly server: Server;
  /** One sentence. */
  readonly reason: string;
}

export interface View {
  readonly preview: Preview;
  readonly findings: readonly Finding[];
  readonly notSeen: readonly NotSeen[];
}

/**
 * Looks at everything. A server that does not answer is left out and named; without the host there is
 * nothing to tell.
 * @param view looks once, without what the patterns name
 * @throws HiveError with exit code 3
 */
export async function lookAround(
  view: (exclude: readonly string[]) => Promise<Look>,
): Promise<View> {
  const notSeen: NotSeen[] = [];
  for (;;) {
    const exclude = notSeen.flatMap(({ server }) => [...servers[server].patterns]);
    const { preview, whole, said } = await view(exclude);
    if (whole) return { preview, findings: findingsOf(preview), notSeen };
    const failed = failuresOf(preview, said);
    const fresh = failed.filter(({ server }) => !notSeen.some((known) => known.server === server));
    const [other] = failed.filter(({ server }) => server === undefined);
    if (other !== undefined || fresh.length === 0) {
      throw new HiveError(
        `The host could not be looked at: ${other?.reason ?? (said || "pulumi preview failed")}`,
        notLooked,
      );
    }
    for (const { server, reason } of fresh) {
      if (server !== undefined) notSeen.push({ server, reason });
    }
  }
}

/** One for each server, and one for everything else. */
function failuresOf(
  { diagnostics }: Preview,
  said: string,
): { server: Server | undefined; reason: string }[] {
  const found = new Map<Server | undefined, string>();
  for (const { severity, urn = "", message } of diagnostics) {
    if (severity !== "error") continue;
    const text = sentence(message);
    // The engine's own summary says nothing new.
    if (text === "" || /^(preview|update|refresh) failed$/.test(text)) continue;
    const server = serverOf(urn) ?? (urn.includes("::pulumi:pulumi:Stack::") ? null : undefined);
    if (server !== null && !found.has(server)) found.set(server, text);
  }
  if (found.size === 0 && said !== "") found.set(undefined, sentence(said));
  return [...found].map(([server, reason]) => ({ server, reason }));
}

/** By a resource's type, also that of its provider. */
export function serverOf(urn: string): Server | undefined {
  const type = (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
  if (type === "host:index:Sql") return "postgresql";
  const name = type.replace(/^pulumi:providers:/, "").split(":")[0] ?? "";
  return Object.hasOwn(servers, name) ? (name as Server) : undefined;
}

/** Of a plugin's or the engine's message: the fault itself, on one line. */
function sentence(message: string): string {
  return (message.split("occurred:").at(-1) ?? message)
    .replace(/<\{%[^%]*%\}>/g, "")
    .replace(/\s+/g, " ")
    .replace(/^[\s*]*(?:error:\s*)?(?:\S+\.go:\d+:\s*)?(?:sdk\.helper_schema:\s*)?/, "")
    .replace(/: provider=\S+\s*$/, "")
    .trim();
}
