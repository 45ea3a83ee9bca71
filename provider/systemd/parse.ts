import type { Transport } from "../transport/transport.ts";
import { credentialPath, environmentPath, heading, secretsFolder } from "./unitFile.ts";

/** Directives of a unit of ours, by name, each with all its values in their order. */
export type Directives = ReadonlyMap<string, readonly string[]>;

/** @returns undefined for a text that is not ours */
export function directivesOf(text: string): Directives | undefined {
  if (!text.startsWith(heading)) return undefined;
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

/** The words of a value that we wrote: of a command line, or of a list of paths. */
export function wordsOf(value: string, command = false): string[] {
  const words = value.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
  return words.map((word) => {
    const bare = word.startsWith('"')
      ? word.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
      : word;
    const text = bare.replaceAll("%%", "%");
    return command ? text.replaceAll("$$", "$") : text;
  });
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t" };

/** What Unit and Timer share (processInputs), as the unit on the host says it. */
export function processOf(directives: Directives) {
  const first = (key: string): string => directives.get(key)?.[0] ?? "";
  const text = (key: string): string => first(key).replaceAll("%%", "%");
  const description = text("Description");
  return {
    ...(description === "" ? {} : { description }),
    command: wordsOf(first("ExecStart"), true),
    user: first("User"),
    cwd: text("WorkingDirectory"),
    writable: (directives.get("ReadWritePaths") ?? []).flatMap((value) => wordsOf(value)),
    capabilities: first("CapabilityBoundingSet")
      .split(" ")
      .filter((name) => name !== ""),
    egress: (directives.get("IPAddressAllow") ?? []).filter((network) => network !== "localhost"),
    jit: first("MemoryDenyWriteExecute") !== "yes",
    memoryMax: first("MemoryMax"),
    tasksMax: Number(first("TasksMax")),
  };
}

/** The files beside the unit; both hold secrets. */
export async function secretsOf(
  transport: Transport,
  name: string,
): Promise<{ env: Record<string, string>; credentials?: Record<string, string> }> {
  const read = async (path: string) => (await transport.read(path))?.toString("utf8") ?? "";
  const prefix = `${name}.credential.`;
  const keys = ((await transport.list(secretsFolder)) ?? [])
    .filter((file) => file.startsWith(prefix))
    .map((file) => file.slice(prefix.length));
  const credentials = await Promise.all(
    keys.map(async (key) => [key, await read(credentialPath(name, key))] as const),
  );
  return {
    env: variablesOf(await read(environmentPath(name))),
    ...(keys.length === 0 ? {} : { credentials: Object.fromEntries(credentials) }),
  };
}

/** Of an EnvironmentFile that we wrote (environmentFile.ts). */
export function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([A-Za-z_]\w*)="((?:[^"\\]|\\[^])*)"$/gm)].map(
      ([, name = "", value = ""]) => [name, value.replace(/\\([^])/g, "$1")],
    ),
  );
}
