import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { cacheFolder, missingPackages, programPackages, testPackages } from "./machine.js";
import { nodeBinaryWorks, npmPackagesComplete } from "./npmPackages.js";

/**
 * @typedef {object} PlanStep
 * @property {string} name
 * @property {string} how
 * @property {number} mb
 * @property {number} minutes
 */

/**
 * What is still missing on this machine.
 * @typedef {object} Plan
 * @property {PlanStep[]} steps in the order they happen
 * @property {string[]} setupPackages Debian packages that set-up installs itself
 * @property {string[]} programPackages Debian packages that the program's `Package` installs
 * @property {boolean} npm npm packages are to be installed
 */

/** Keycloak's distribution from Maven Central (components/keycloakServer.ts). */
const keycloak = { name: "Keycloak", how: "Maven, into the cache", mb: 176, minutes: 0.5 };

/**
 * @param {string} checkout
 * @param {{ verb: string, root?: string | undefined, ships?: boolean }} what root: the trial's folder,
 *   if there is one; ships: Keycloak is fetched here for another host
 * @returns {Plan}
 */
export function makePlan(checkout, { verb, root, ships = false }) {
  const tools = toolchainPlan(checkout);
  const provisions = verb === "up" || verb === "test";
  const wanted = { ...programPackages, ...(verb === "test" ? testPackages : {}) };
  const missing = provisions ? missingPackages(Object.keys(wanted)) : [];
  const npm = !npmPackagesComplete(checkout) || !nodeBinaryWorks(checkout);
  // The tests use the servers' binaries without the program: for them set-up installs all.
  const shipped = ships && !keycloakIsHere(undefined);
  const maven = shipped && !tools.apt.includes("maven") ? missingPackages(["maven"]) : [];
  const setupPackages = [...tools.apt, ...maven, ...(verb === "test" ? missing : [])];
  const byProgram = verb === "test" ? [] : missing.filter((name) => !tools.apt.includes(name));
  const steps = [
    ...packageStep(setupPackages, "apt-get, now"),
    ...(npm
      ? [{ name: "npm packages", how: "npm ci, into node_modules", mb: 440, minutes: 0.5 }]
      : []),
    ...tools.steps,
    ...packageStep(byProgram, "apt-get, by the program"),
    ...(shipped || (provisions && !keycloakIsHere(root)) ? [keycloak] : []),
  ];
  return { steps, setupPackages, programPackages: byProgram, npm };
}

/**
 * @param {Plan} plan
 * @param {import("./terminal.js").Terminal} terminal
 * @returns {string[]} lines; one short line when nothing is missing
 */
export function describePlan({ steps }, terminal) {
  if (steps.length === 0) return [terminal.dim("Everything set-up needs is here.")];
  const total = {
    name: "together",
    how: "",
    mb: steps.reduce((sum, { mb }) => sum + mb, 0),
    minutes: steps.reduce((sum, { minutes }) => sum + minutes, 0),
  };
  const rows = [...steps, ...(steps.length > 1 ? [total] : [])].map(
    ({ name, how, mb, minutes }) => [
      name,
      how,
      `${Math.ceil(mb)} MB`,
      minutes < 0.95 ? "< 1 min" : `~${Math.round(minutes)} min`,
    ],
  );
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return [
    terminal.bold("Plan") + " (only what is missing here)",
    ...rows.map(([name, how, mb, minutes]) =>
      [
        " ",
        name.padEnd(widths[0]),
        how.padEnd(widths[1]),
        mb.padStart(widths[2]),
        minutes.padStart(widths[3]),
      ].join("  "),
    ),
  ];
}

/**
 * @param {readonly string[]} names
 * @param {string} how
 * @returns {PlanStep[]}
 */
function packageStep(names, how) {
  if (names.length === 0) return [];
  /** @type {Readonly<Record<string, number>>} */
  const sizes = { ...programPackages, ...testPackages };
  const mb = names.reduce((sum, name) => sum + (sizes[name] ?? 20), 0);
  return [{ name: `Debian packages ${names.join(" ")}`, how, mb, minutes: 0.2 + mb / 250 }];
}

/**
 * @param {string} checkout
 * @returns {{ steps: PlanStep[], apt: string[] }}
 */
function toolchainPlan(checkout) {
  const script = join(checkout, "toolchain", "plan.js");
  if (!existsSync(script)) return { steps: [], apt: [] };
  const { stdout, stderr, status } = spawnSync(process.execPath, [script], {
    cwd: checkout,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`node toolchain/plan.js failed:\n${stderr}`);
  return JSON.parse(stdout);
}

/**
 * @param {string | undefined} root
 * @returns {boolean} unpacked in the trial's folder, or in the cache
 */
function keycloakIsHere(root) {
  const holds = (/** @type {string} */ folder, /** @type {RegExp} */ name) => {
    try {
      return readdirSync(folder).some((entry) => name.test(entry));
    } catch {
      return false;
    }
  };
  return (
    holds(join(cacheFolder(), "archives"), /keycloak/) ||
    (root !== undefined && holds(join(root, "keycloak"), /^\d/))
  );
}
