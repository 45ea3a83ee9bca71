// Makes a PULUMI_HOME with the CLI, the Node.js language host and the resource plugins, in the
// user's cache: official ones where they can be had, else built from Go modules. Does only what is
// missing; can be interrupted at any time and run again. `--json` prints what there is.
import { join } from "node:path";

import { type Artefact, listArtefacts, readSource, resolveHome } from "./layout.js";
import { buildArtefact } from "./steps/build.ts";
import { stopCommands } from "./steps/command.ts";
import { removeGoCaches } from "./steps/go.ts";
import { hasLanguageHost, provideLanguageHost } from "./steps/host.ts";
import { acquireLock } from "./steps/lock.ts";
import { adoptFromPath, downloadCli, installPlugin } from "./steps/official.ts";
import { removeTemporary } from "./steps/temporary.ts";

const artefacts = listArtefacts();
const [cli, ...plugins] = artefacts as [Artefact, ...Artefact[]];

const isComplete = (): boolean => artefacts.every((artefact) => readSource(artefact));

async function provideCli(): Promise<void> {
  if (readSource(cli)) return;
  if ((await adoptFromPath(cli)) || (await downloadCli(cli))) return;
  await buildArtefact(cli);
}

async function providePlugin(plugin: Artefact): Promise<void> {
  if (readSource(plugin)) return;
  if (readSource(cli) === "official" && (await installPlugin(cli, plugin))) return;
  await buildArtefact(plugin);
}

async function prepare(): Promise<void> {
  const release = await acquireLock(`${resolveHome()}.lock`);
  // SIGINT and SIGTERM end us through exit, so that nothing we started goes on.
  process.on("exit", stopCommands).on("exit", release);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      console.log("\ninterrupted; the same command goes on from here");
      process.exit(130);
    });
  }
  removeTemporary();
  await provideCli();
  for (const plugin of plugins) await providePlugin(plugin);
}

function describe(): object {
  const describePlugin = ({ name, version, ...rest }: Artefact) => {
    return { name, version, source: readSource({ name, version, ...rest }) ?? "missing" };
  };
  return {
    home: resolveHome(),
    bin: join(resolveHome(), "bin"),
    pulumi: { version: cli.version, source: readSource(cli) ?? "missing", path: cli.file },
    plugins: plugins.map(describePlugin),
  };
}

async function main(): Promise<void> {
  if (!isComplete()) await prepare();
  removeGoCaches();
  provideLanguageHost(cli, readSource(cli) ?? "");
  for (const { upstream, ...artefact } of artefacts) {
    const source = readSource(artefact) ?? "missing";
    // A plugin built here has the official one's version, but an older program inside.
    const note = upstream && source !== "official" ? ` (${upstream})` : "";
    console.log(`${artefact.name} ${artefact.version}: ${source}${note}`);
  }
}

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(describe()));
  process.exitCode = isComplete() && hasLanguageHost(cli) ? 0 : 1;
} else {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
