import { basename, dirname } from "node:path";

import type { ServiceInputs } from "../resources/service.ts";
import type { Transport } from "../transport/transport.ts";
import { heading } from "./scripts.ts";

/** Stands for checks that no file on a host tells: always passes. */
const unknownCheck = { exec: { command: ["/bin/true"] } };

/**
 * A service of ours as its files say it; undefined when there is none.
 * @param link its path in the supervisor's folder
 */
export async function importedService(
  transport: Transport,
  link: string,
): Promise<ServiceInputs | undefined> {
  const state = await transport.linkTarget(link);
  if (state === undefined) return undefined;
  const text = async (file: string) =>
    (await transport.read(`${state}/${file}`))?.toString("utf8") ?? "";
  const [run, stop, names] = await Promise.all([
    text("run"),
    text("stop"),
    transport.list(`${state}/env`),
  ]);
  if (!run.startsWith(heading)) return undefined;
  const words = wordsOf(/^exec chpst (.*)$/ms.exec(run)?.[1] ?? "");
  // -P -e FOLDER, and -u USER where the supervisor is root.
  const user = words[3] === "-u" ? words[4] : undefined;
  const env = await Promise.all(
    (names ?? []).map(async (name) => [name, valueOf(await text(`env/${name}`))] as const),
  );
  const [, signal = "TERM", fifths = "100"] = /^end (\w+) (\d+)/m.exec(stop) ?? [];
  const [cwd = state] = wordsOf(/^cd (.*) \|\| exit 1$/m.exec(run)?.[1] ?? "");
  return {
    name: basename(link),
    directory: dirname(link),
    state,
    command: words.slice(user === undefined ? 3 : 5),
    env: Object.fromEntries(env.filter(([name]) => name !== "READY_FILE")),
    ...(user === undefined ? {} : { user }),
    ...(cwd === state ? {} : { cwd }),
    ready: [unknownCheck],
    readyTimeout: 90,
    stopSignal: signal as ServiceInputs["stopSignal"],
    stopTimeout: Number(fifths) / 5,
    handover: env.some(([name]) => name === "READY_FILE"),
    running: true,
  };
}

/** As chpst -e reads a file (chpst(8)). */
function valueOf(text: string): string {
  return text.replace(/\n$/, "").replaceAll("\0", "\n");
}

/** Words of a line that we wrote: bare, or quoted by `quoted`. */
function wordsOf(line: string): string[] {
  return (line.match(/(?:'[^']*'|\\'|[^\s'\\])+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|\\(')/g, (_, inside?: string, quote?: string) => inside ?? quote ?? ""),
  );
}
