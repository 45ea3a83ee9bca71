// What belongs into the toolchain's PULUMI_HOME, and what of it is there. Plain JavaScript without
// dependencies: plan.js runs it on whatever Node the machine has.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const versions = {
  pulumi: "3.259.0",
  keycloak: "6.13.0",
  postgresql: "3.18.1",
  go: "1.27.3",
};

/** The CLI of 3.259.0 does not compile with an older Go. */
const oldestGo = [1, 26];
const built = "built from source";

export const sources = fileURLToPath(new URL(".", import.meta.url));

export function resolveCache() {
  const { HIVEMATRIX_CACHE, XDG_CACHE_HOME } = process.env;
  return HIVEMATRIX_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "hivematrix");
}

export function resolveHome() {
  return join(resolveCache(), `pulumi-${versions.pulumi}`);
}

function plugin(name, mb, minutes, upstream) {
  const version = versions[name];
  const directory = join(resolveHome(), "plugins", `resource-${name}-v${version}`);
  const file = join(directory, `pulumi-resource-${name}`);
  return {
    name,
    title: `${name} plugin ${version}`,
    version,
    directory,
    file,
    mb,
    minutes,
    upstream,
  };
}

export function listArtefacts() {
  const version = versions.pulumi;
  const directory = join(resolveHome(), "versions", version);
  const file = join(directory, "bin", "pulumi");
  return [
    // Megabytes and minutes of a build; measured on 2 cores with empty Go caches.
    {
      name: "pulumi",
      title: `pulumi CLI ${version}`,
      version,
      directory,
      file,
      mb: 260,
      minutes: 5.5,
    },
    plugin("postgresql", 35, 1.5, "upstream 1.7.1 of 2020"),
    plugin("keycloak", 20, 0.5, "upstream of December 2024"),
  ];
}

/** The folder of a Go program in toolchain/. */
export function findModule(name) {
  return join(sources, name === "pulumi" ? "cli" : name);
}

/** What a file `source` beside a built artefact says; a changed program or pin is built anew. */
export function describeBuild(name) {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"].map((base) => join(findModule(name), base))) {
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  return `${built}\n${hash.digest("hex")}\n`;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** "official", "built from source", or undefined when it has still to be made. */
export function readSource(artefact) {
  const { name, directory, file } = artefact;
  // Pulumi marks a plugin it has not yet unpacked completely in this way.
  if (!isExecutable(file) || existsSync(`${directory}.partial`)) return undefined;
  const note = join(directory, "source");
  if (!existsSync(note)) return "official";
  const text = readFileSync(note, "utf8");
  if (!text.startsWith(built)) return "official";
  return text === describeBuild(name) ? built : undefined;
}

function isRecent(go) {
  const { stdout } = spawnSync(go, ["version"], {
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(stdout ?? "") ?? [];
  return (
    Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1])
  );
}

/** A Go that can build the toolchain: the user's, else the one brought earlier from PyPI. */
export function findGo() {
  if (isRecent("go")) return { path: "go", ours: false };
  const path = join(resolveCache(), `go-${versions.go}`, "bin", "go");
  return isExecutable(path) ? { path, ours: true } : undefined;
}

/** Where the official CLI is published; another address (a mirror, a test) by environment. */
export function resolveDownloads() {
  return process.env.HIVEMATRIX_PULUMI_DOWNLOADS || "https://get.pulumi.com/releases/sdk";
}

const checksumsFile = `pulumi-${versions.pulumi}-checksums.txt`;
const patience = 5000;

export const archive = `pulumi-v${versions.pulumi}-${process.platform}-${process.arch}.tar.gz`;

/** The published SHA-256 of the official archive; undefined when it cannot be reached. */
export async function findChecksum() {
  try {
    const signal = AbortSignal.timeout(patience);
    const response = await fetch(`${resolveDownloads()}/${checksumsFile}`, { signal });
    if (!response.ok) return undefined;
    const lines = (await response.text()).split("\n").map((line) => line.trim().split(/\s+\*?/));
    return lines.find(([, name]) => name === archive)?.[0];
  } catch {
    return undefined;
  }
}
