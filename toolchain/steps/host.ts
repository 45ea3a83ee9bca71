import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";

import { type Artefact, resolveHome, sources } from "../layout.js";

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The launcher of our language host; it names this checkout, whose packages the host needs. */
function renderLauncher(): string {
  const node = join(sources, "../node_modules/.bin/node");
  const main = join(sources, "nodejs/main.ts");
  return `#!/bin/sh
# Written by toolchain/prepare.ts: the stand-in for the official language host.
node=${quote(node)}
if [ ! -x "$node" ]; then
  echo "$node is gone: run \\"npm run up\\" in a checkout that still exists" >&2
  exit 1
fi
exec "$node" ${quote(main)} "$@"
`;
}

/** Whether the CLI has a language host beside it: ours or the official one. */
export function hasLanguageHost(cli: Artefact): boolean {
  return existsSync(join(cli.directory, "bin", "pulumi-language-nodejs"));
}

/** Makes `bin` of the PULUMI_HOME point at the CLI's folder. */
function linkBin(cli: Artefact): void {
  const link = join(resolveHome(), "bin");
  if (existsSync(link)) return;
  mkdirSync(resolveHome(), { recursive: true });
  symlinkSync(relative(resolveHome(), join(cli.directory, "bin")), link);
}

/**
 * Puts the language host beside a CLI that was built here; the official CLI has the official one.
 * Written again whenever another checkout, or none that still exists, is named in it.
 */
export function provideLanguageHost(cli: Artefact, source: string): void {
  linkBin(cli);
  if (source === "official") return;
  const file = join(cli.directory, "bin", "pulumi-language-nodejs");
  const launcher = renderLauncher();
  if (existsSync(file) && readFileSync(file, "utf8") === launcher) return;
  writeFileSync(`${file}.${process.pid}`, launcher, { mode: 0o755 });
  renameSync(`${file}.${process.pid}`, file);
}
