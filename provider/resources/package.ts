import { dirname } from "node:path";
import { z } from "zod";

import { Fault } from "../fault.ts";
import { type Context, define, succeeded } from "../resource.ts";
import { absolutePath } from "../schema.ts";
import type { RunOptions, RunResult } from "../transport/transport.ts";

const debianName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be a package's name as for apt-get install");

type Versions = Record<string, string>;

export const package_ = define({
  description:
    "Debian packages, without recommended ones. Deleting keeps them. Import by names, separated by commas.",
  inputs: {
    names: z.array(debianName).min(1).describe("Names as for apt-get install."),
    during: z
      .record(absolutePath(), z.string())
      .optional()
      .describe("Files that exist only while apt installs: to steer a package's own set-up."),
  },
  outputs: {
    versions: z.record(z.string(), z.string()).describe("Installed version by name."),
    found: z.array(z.string()).describe("The names that were installed before us."),
  },
  replaceOn: [],

  plan: ({ names }, old) =>
    old !== undefined &&
    Array.isArray(names) &&
    names.every((name) => typeof name === "string" && name in old.versions)
      ? { versions: choose(old.versions, names as string[]), found: old.found }
      : {},

  async create(context, inputs) {
    const before = await installed(context, inputs.names);
    const versions = await install(context, inputs, before);
    return {
      id: inputs.names.join(","),
      outputs: { versions, found: Object.keys(before) },
    };
  },

  async read(context, id, old) {
    const names = old?.names ?? id.split(",");
    const versions = await installed(context, names);
    const there = names.filter((name) => name in versions);
    if (there.length === 0) return undefined;
    return { ...old, names: there, versions, found: old?.found ?? there };
  },

  async update(context, old, inputs) {
    const before = await installed(context, inputs.names);
    const versions = await install(context, inputs, before);
    const ours = Object.keys(old.versions).filter((name) => !old.found.includes(name));
    const found = Object.keys(before).filter((name) => !ours.includes(name));
    return { versions, found: [...new Set([...old.found, ...found])] };
  },

  delete: ({ warn }, { names, found }) => {
    const ours = names.filter((name) => !found.includes(name));
    if (ours.length > 0) {
      warn(`Debian packages stay. Remove them with: apt-get purge ${ours.join(" ")}`);
    }
    return Promise.resolve();
  },
});

function choose(versions: Versions, names: readonly string[]): Versions {
  return Object.fromEntries(names.map((name) => [name, versions[name] ?? ""]));
}

async function installed({ transport, signal }: Context, names: string[]): Promise<Versions> {
  const format = "${Package}\\t${db:Status-Status}\\t${Version}\\n";
  // It exits with 1 when it does not know one of the names, and prints the others.
  const { stdout } = await transport.run(["dpkg-query", "-W", `-f=${format}`, ...names], {
    signal,
  });
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  return Object.fromEntries(
    rows
      .filter(([name = "", status]) => status === "installed" && names.includes(name))
      .map(([name = "", , version = ""]) => [name, version]),
  );
}

/** apt allows one at a time; two Packages of one up wait for each other here. */
let last: Promise<unknown> = Promise.resolve();

async function install(
  context: Context,
  { names, during = {} }: { names: string[]; during?: Record<string, string> | undefined },
  before: Versions,
): Promise<Versions> {
  const missing = names.filter((name) => !(name in before));
  if (missing.length === 0) return before;
  const work = last.then(() => aptInstall(context, missing, during));
  last = work.catch(() => undefined);
  await work;
  return installed(context, names);
}

async function aptInstall(
  context: Context,
  missing: readonly string[],
  during: Readonly<Record<string, string>>,
): Promise<void> {
  const { progress, signal } = context;
  const made: string[] = [];
  try {
    for (const [path, content] of Object.entries(during)) await place(context, path, content, made);
    progress(`downloading ${missing.join(", ")}`);
    const download = ["install", "--download-only", ...missing];
    let result = await apt(context, download, signal);
    if (result.code !== 0 && /dpkg was interrupted/.test(result.stderr)) {
      progress("finishing an interrupted installation");
      succeeded(await asRoot(context, ["dpkg", "--configure", "-a"]), "dpkg --configure -a");
      result = await apt(context, download, signal);
    }
    if (result.code !== 0) {
      progress("reading the lists of packages");
      const update = await apt(context, ["update"], signal);
      if (update.code === 0) result = await apt(context, download, signal);
      // One mirror of several that is away need not matter.
      if (result.code !== 0) refuseSilentMirror(update);
      succeeded(update, "apt-get update");
    }
    if (result.code !== 0) refuseSilentMirror(result);
    const what = `apt-get install ${missing.join(" ")}`;
    succeeded(result, what);
    progress(`installing ${missing.join(", ")}`);
    // Not ended by a cancel: a half-configured package is worse than the wait.
    succeeded(await apt(context, ["install", ...missing]), what);
  } finally {
    for (const path of made.reverse()) await asRoot(context, ["rm", "-d", "-f", path]);
  }
}

/**
 * apt-get update ends with 0 when no mirror answers, and the installation then names packages that it
 * does not know. @throws Fault naming the mirror
 */
function refuseSilentMirror({ stdout, stderr }: RunResult): void {
  const said = `${stderr}\n${stdout}`;
  const [, mirror, , reason] =
    /^[EW]: Failed to fetch (\w+:\/\/[^/\s]+)(\S*) +(.*)$/m.exec(said) ?? [];
  if (mirror === undefined || reason === undefined) return;
  if (!/connect|resolve|timed out|unreachable|No route|Connection failed/i.test(reason)) return;
  throw new Fault(
    `The package mirror ${mirror} does not answer (${reason.trim().replace(/\.$/, "")}); check /etc/apt/sources.list* and the network, and run the same command again.`,
  );
}

function apt(context: Context, argv: readonly string[], signal?: AbortSignal): Promise<RunResult> {
  const options = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600"];
  const quiet = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"];
  // Set-up of Java's certificates would leave a folder in /tmp.
  const tidy = "JAVA_TOOL_OPTIONS=-XX:-UsePerfData";
  return asRoot(context, ["env", ...quiet, tidy, "apt-get", ...options, ...argv], { signal });
}

/** @throws Fault when we are not root and sudo asks for a password. */
async function asRoot(
  { transport }: Context,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  if (transport.user === "root") return transport.run(argv, options);
  const { code } = await transport.run(["sudo", "-n", "true"]);
  if (code !== 0) {
    throw new Fault(
      "Debian packages need root: run the same command as root, or allow sudo without a password.",
    );
  }
  return transport.run(["sudo", "-n", ...argv], options);
}

/** Makes a file and its missing folders; one that is there already is left as it is. */
async function place(
  context: Context,
  path: string,
  content: string,
  made: string[],
): Promise<void> {
  const there = await context.transport.read(path);
  if (there !== undefined) {
    // The same content was left by an up that was killed here.
    if (there.toString("utf8") === content) made.push(path);
    return;
  }
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder))
    folders.unshift(folder);
  for (const folder of folders) {
    if ((await context.transport.stat(folder)) !== undefined) continue;
    succeeded(await asRoot(context, ["mkdir", folder]), `Making ${folder}`);
    made.push(folder);
  }
  succeeded(await asRoot(context, ["tee", path], { stdin: content }), `Writing ${path}`);
  made.push(path);
}
