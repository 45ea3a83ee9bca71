import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";

import { hiveFolder, readRecord } from "../cli/record.js";
import { type Checkpoint, installedPackages } from "./checkpoint.ts";
import { cacheFolder } from "./machine.js";
import { SetupError } from "./setupError.ts";
import { removeSalt } from "./stackConfig.ts";
import { isFilled, trialStack } from "./trialFolder.js";
import type { Trial } from "./up.ts";

/**
 * Removes what the trial made, then its state; says what stays and how to remove that.
 * @throws SetupError when nobody confirmed
 */
export async function down(trial: Trial): Promise<void> {
  const { checkout, args, pulumi, stack, terminal } = trial;
  const checkpoint = await stack.read();
  const root = readRecord(checkout, args.stack)?.root;
  if (checkpoint !== undefined && checkpoint.resources.length > 0) {
    await confirm(
      args.stack,
      args.yes,
      `This removes stack ${args.stack} with its data in ${root ?? ""}`,
    );
    await destroy(trial, checkpoint);
  } else {
    terminal.line("Nothing is provisioned.");
  }
  const left = await stack.read();
  if (left !== undefined && left.resources.length > 0) {
    terminal.line(`${left.resources.length} resources are left; the state stays.`);
    return;
  }
  if (left !== undefined) await pulumi.run("stack rm", ["--yes", "--preserve-config"]);

  const kept = root !== undefined && isFilled(root) ? root : undefined;
  if (kept === undefined) {
    if (root?.startsWith(hiveFolder(checkout)) === true)
      rmSync(root, { recursive: true, force: true });
    rmSync(hiveFolder(checkout), { recursive: true, force: true });
  }
  removeSalt(checkout, args.stack);
  const packages = checkpoint === undefined ? [] : installedPackages(checkpoint);
  for (const line of describeLeft({ checkout, kept, packages })) terminal.line(line);
}

/** Removes all that the stack's state knows, protected or not; the state of data that stays is kept. */
export async function destroy(
  { args, pulumi, stack }: Trial,
  checkpoint: Checkpoint,
): Promise<void> {
  await stack.forgetPending(checkpoint);
  if (keepsData(checkpoint)) await stack.keep();
  await pulumi.run("state unprotect", ["--all", "--yes"]);
  const passed = args.passed.filter((argument) => !/^(-y|--yes(=\w+)?)$/.test(argument));
  await pulumi.run("destroy", ["--yes", "--skip-preview", ...passed]);
}

/** Whether the program marked the host's folder to stay (`hivematrix:keepData`). */
export function keepsData({ resources }: Checkpoint): boolean {
  const folder = resources.find(({ urn }) => urn.endsWith("::host-folder"));
  return folder?.inputs?.["purge"] === false;
}

/** @throws SetupError when the answer is another one, or nobody can be asked */
export async function confirm(
  stack: string,
  yes: boolean | undefined,
  what: string,
): Promise<void> {
  if (yes === true) return;
  if (!process.stdin.isTTY) {
    const named = stack === trialStack ? "" : `-s ${stack} `;
    throw new SetupError(`${what}: confirm with \`npm run down -- ${named}--yes\`.`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const question = `${what}. Type ${stack} to go on: `;
  const answer = await prompt.question(question);
  prompt.close();
  if (answer.trim() !== stack) throw new SetupError("Nothing was removed.");
}

/** What `down` leaves, each with the command that removes it. */
export function describeLeft({
  checkout,
  kept,
  packages,
}: {
  checkout: string;
  kept: string | undefined;
  packages: readonly string[];
}): string[] {
  const caches = [
    [cacheFolder(), "CLI, plugins, archives"],
    [join(checkout, "node_modules"), "npm packages"],
  ].filter(([folder = ""]) => existsSync(folder));
  const lines = [
    ...(kept === undefined
      ? []
      : [
          `Data was marked to stay: ${kept} (rm -rf ${kept})`,
          `  with the passphrase in ${hiveFolder(checkout)}, which its secrets need`,
        ]),
    ...describePackages(packages),
    ...caches.map(([folder = "", what]) => `${what} (${size(folder)}): rm -rf ${folder}`),
  ];
  return lines.length === 0
    ? []
    : ["What stays, and how to remove it:", ...lines.map((l) => `  ${l}`)];
}

/** What the program installed and nobody removes unasked. */
export function describePackages(packages: readonly string[]): string[] {
  if (packages.length === 0) return [];
  return [`Debian packages that were installed: sudo apt-get purge ${packages.join(" ")}`];
}

function size(folder: string): string {
  const { status, stdout } = spawnSync("du", ["-sm", folder], { encoding: "utf8" });
  return status === 0 ? `${stdout.split("\t")[0] ?? "?"} MB` : "size unknown";
}
