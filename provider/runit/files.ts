import type { Transport } from "../transport/transport.ts";
import { type Definition, digestOf } from "./definition.ts";
import { finishScript, heading, runScript, signalScript, stopScript } from "./scripts.ts";

interface DefinitionFile {
  /** Below the state directory. */
  readonly path: string;
  readonly content: string;
  readonly mode: string;
}

/** Ten files of at most 1 MB (svlogd). */
const logSettings = "s1000000\nn10\n";

/** The files runsv and chpst read. Secrets are only in `env/`. */
function filesOf(definition: Definition): DefinitionFile[] {
  return [
    { path: "stop", content: stopScript(definition), mode: "0755" },
    { path: "finish", content: finishScript(), mode: "0755" },
    { path: "control/t", content: signalScript(definition), mode: "0755" },
    { path: "log/run", content: `${heading}exec svlogd -tt ./main\n`, mode: "0755" },
    { path: "log/main/config", content: logSettings, mode: "0644" },
    ...Object.entries(definition.env).map(([name, value]) => ({
      path: `env/${name}`,
      // chpst takes the first line and turns null characters into line ends.
      content: `${value.replaceAll("\n", "\0")}\n`,
      mode: "0600",
    })),
    // Last: a process that starts in between still has the former digest.
    { path: "run", content: runScript(definition, digestOf(definition)), mode: "0700" },
  ];
}

/** The files that are missing or different. */
export async function differingFiles(
  transport: Transport,
  definition: Definition,
): Promise<DefinitionFile[]> {
  const files = filesOf(definition);
  const contents = await Promise.all(
    files.map(({ path }) => transport.read(`${definition.state}/${path}`)),
  );
  return files.filter(({ content }, index) => contents[index]?.toString("utf8") !== content);
}

/** Whether a process is started with what is in the file. */
export function isOfStart({ path }: DefinitionFile): boolean {
  return path === "run" || path.startsWith("env/");
}

/** Whether anything that a process is started with was different. */
export async function writeFiles(transport: Transport, definition: Definition): Promise<boolean> {
  const { state, owner } = definition;
  const folders = {
    "": "0755",
    "/env": "0700",
    "/control": "0755",
    "/log": "0755",
    "/log/main": "0750",
  };
  for (const [folder, mode] of Object.entries(folders)) {
    await transport.makeDirectory(`${state}${folder}`, { mode, owner });
  }
  if (definition.handover) {
    const { name } = definition.account;
    await transport.makeDirectory(`${state}/proof`, { mode: "0755", owner: name });
  }
  const differing = await differingFiles(transport, definition);
  for (const { path, content, mode } of differing) {
    await transport.writeAtomic(`${state}/${path}`, content, { mode, owner });
  }
  const names = (await transport.list(`${state}/env`)) ?? [];
  const surplus = names.filter((name) => !(name in definition.env));
  for (const name of surplus) await transport.remove(`${state}/env/${name}`);
  return differing.some(isOfStart) || surplus.length > 0;
}
