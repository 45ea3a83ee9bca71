import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether node_modules is what package-lock.json says. npm writes its own record
 * (node_modules/.package-lock.json) last, so an interrupted install has none.
 * @param {string} checkout
 * @returns {boolean}
 */
export function npmPackagesComplete(checkout) {
  const wanted = readPackages(join(checkout, "package-lock.json"));
  const found = readPackages(join(checkout, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.startsWith("node_modules/") || optional === true || link === true) return true;
    return found[path]?.version === version;
  });
}

/**
 * @param {string} checkout
 * @returns {string} the node that everything after npm runs on
 */
export function nodeBinary(checkout) {
  return join(checkout, "node_modules", ".bin", "node");
}

/**
 * The npm package `node` places its binary by an install script; `ignore-scripts` skips that.
 * @param {string} checkout
 * @returns {boolean}
 */
export function nodeBinaryWorks(checkout) {
  if (!existsSync(nodeBinary(checkout))) return false;
  const { status } = spawnSync(nodeBinary(checkout), ["--version"], { stdio: "ignore" });
  return status === 0;
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean, link?: boolean }>}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}
