import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  statfsSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Facts about this machine, gathered without changing anything.
 * @typedef {object} Machine
 * @property {string} platform as process.platform
 * @property {{ id: string, like: string, version: string, name: string }} system /etc/os-release
 * @property {boolean} apt apt-get is here
 * @property {number} uid
 * @property {"root" | "sudo" | "none"} privilege sudo: works without asking for a password
 * @property {boolean} writable the checkout may be written
 * @property {number | undefined} freeMegabytes on the smallest of the file systems used
 */

/** Debian packages of the program (components/host.ts), with the megabytes they take. */
export const programPackages = {
  postgresql: 60,
  "default-jre-headless": 200,
  runit: 1,
  maven: 25,
};

/** What only the tests need, likewise: a browser, and Python for the Flask service. */
export const testPackages = { chromium: 400, "python3-venv": 35 };

/**
 * @param {string} checkout
 * @param {readonly string[]} [folders] other places that will be written to
 * @returns {Machine}
 */
export function inspectMachine(checkout, folders = []) {
  return {
    platform: process.platform,
    system: parseSystem(readIfThere("/etc/os-release")),
    apt: existsSync("/usr/bin/apt-get"),
    uid: process.getuid?.() ?? -1,
    privilege: findPrivilege(),
    writable: isWritable(checkout),
    freeMegabytes: smallestFree([checkout, ...folders]),
  };
}

/**
 * @param {string} text of /etc/os-release
 * @returns {Machine["system"]}
 */
export function parseSystem(text) {
  const read = (/** @type {string} */ key) =>
    new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return {
    id: read("ID"),
    like: read("ID_LIKE"),
    version: read("VERSION_ID"),
    name: read("PRETTY_NAME") || "an unknown system",
  };
}

/**
 * @param {readonly string[]} names
 * @returns {string[]} those that are not installed
 */
export function missingPackages(names) {
  if (names.length === 0) return [];
  const query = spawnSync(
    "dpkg-query",
    ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names],
    {
      encoding: "utf8",
    },
  );
  const installed = new Set(
    (query.stdout ?? "")
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** @returns {string} the user's cache of this project (the CLI, plugins, archives) */
export function cacheFolder() {
  const { HIVEMATRIX_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own || join(xdg || join(homedir(), ".cache"), "hivematrix");
}

/** @returns {boolean} */
export function packageListsMissing() {
  try {
    return !readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return true;
  }
}

/** @returns {Machine["privilege"]} */
function findPrivilege() {
  if (process.getuid?.() === 0) return "root";
  const sudo = spawnSync("sudo", ["-n", "true"], { stdio: "ignore" });
  return sudo.status === 0 ? "sudo" : "none";
}

/**
 * @param {string} folder
 * @returns {boolean}
 */
function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {readonly string[]} folders which need not exist yet
 * @returns {number | undefined} undefined when it cannot be told (Node before 18.15)
 */
function smallestFree(folders) {
  if (typeof statfsSync !== "function") return undefined;
  const free = folders.map((folder) => {
    const { bavail, bsize } = statfsSync(nearestExisting(folder));
    return Math.floor((bavail * bsize) / 1048576);
  });
  return Math.min(...free);
}

/**
 * @param {string} folder
 * @returns {string}
 */
function nearestExisting(folder) {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && statSync(at).isDirectory()) return at;
  }
}

/**
 * @param {string} path
 * @returns {string} empty when it is not there
 */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
