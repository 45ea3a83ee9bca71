import { createHash } from "node:crypto";
import {
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import {
  archive,
  type Artefact,
  findChecksum,
  resolveDownloads,
  resolveHome,
  versions,
} from "../layout.js";
import { runCommand } from "./command.ts";
import { showProgress } from "./progress.ts";
import { makeTemporary, placeDirectory } from "./temporary.ts";

const patience = { download: 900_000, plugin: 300_000 };

/** Of the many executables of a release, those for Node.js programs. */
const wanted = /^pulumi(-language-nodejs|-analyzer-policy|-resource-pulumi-nodejs)?$/;

const quiet = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };

/** Takes the CLI and the Node.js language host out of a folder of official executables. */
async function adoptCli(cli: Artefact, folder: string): Promise<void> {
  const finished = makeTemporary();
  mkdirSync(join(finished, "bin"));
  for (const name of readdirSync(folder).filter((entry) => wanted.test(entry))) {
    copyFileSync(join(folder, name), join(finished, "bin", name));
  }
  // A release made for another kind of machine shows itself here.
  await runCommand(join(finished, "bin", "pulumi"), ["version"], { env: quiet });
  writeFileSync(join(finished, "source"), "official\n");
  placeDirectory(finished, cli.directory);
}

async function isSameVersion(executable: string): Promise<boolean> {
  const printed = await runCommand(executable, ["version"], { env: quiet }).catch(() => "");
  return printed.trim() === `v${versions.pulumi}`;
}

/** Uses an official CLI of exactly our version that the user has on PATH. */
export async function adoptFromPath(cli: Artefact): Promise<boolean> {
  for (const entry of (process.env["PATH"] ?? "").split(delimiter)) {
    const executable = join(entry, "pulumi");
    if (!entry || !existsSync(executable)) continue;
    const folder = dirname(realpathSync(executable));
    // One of ours, of another PULUMI_HOME; or a launcher without the language host beside it.
    if (existsSync(join(folder, "../source"))) continue;
    if (!existsSync(join(folder, "pulumi-language-nodejs"))) continue;
    if (!(await isSameVersion(executable))) continue;
    await showProgress(`${cli.title}: official, from ${folder}`, () => adoptCli(cli, folder));
    return true;
  }
  return false;
}

async function download(checksum: string, file: string): Promise<void> {
  const signal = AbortSignal.timeout(patience.download);
  const response = await fetch(`${resolveDownloads()}/${archive}`, { signal });
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
  const hash = createHash("sha256");
  const body = Readable.fromWeb(response.body).on("data", (data: Buffer) => hash.update(data));
  await pipeline(body, createWriteStream(file));
  const actual = hash.digest("hex");
  if (actual !== checksum) throw new Error(`its SHA-256 is ${actual}, published is ${checksum}`);
}

/**
 * Downloads the official CLI and checks it against the published sums. False, with one line said,
 * when it cannot be had: then it is built.
 */
export async function downloadCli(cli: Artefact): Promise<boolean> {
  const checksum = await findChecksum();
  if (!checksum) {
    console.log("official download not reachable: building from source");
    return false;
  }
  const folder = makeTemporary();
  try {
    await showProgress(`${cli.title}: official download`, async () => {
      await download(checksum, join(folder, archive));
      await runCommand("tar", ["-xzf", join(folder, archive), "-C", folder]);
      await adoptCli(cli, join(folder, "pulumi"));
    });
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`official download not used (${reason}): building from source`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets the official CLI fetch an official plugin; false when it cannot. */
export async function installPlugin(cli: Artefact, plugin: Artefact): Promise<boolean> {
  const env = { ...quiet, PULUMI_HOME: resolveHome() };
  const args = ["plugin", "install", "resource", plugin.name, `v${plugin.version}`];
  // What is there but not to be used (a build of an older program) would satisfy it.
  rmSync(plugin.directory, { recursive: true, force: true });
  try {
    await showProgress(`${plugin.title}: official download`, () =>
      runCommand(cli.file, args, { env, timeout: patience.plugin }),
    );
    return true;
  } catch {
    console.log(`official ${plugin.name} plugin not reachable: building from source`);
    return false;
  }
}
