import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { hiveFolder } from "../cli/record.js";

/** The stack that is the trial on this machine; every other one is somebody's real host. */
export const trialStack = "dev";

/**
 * Where the trial lies: in the checkout for an ordinary user; for root in a folder that the system
 * user `hive`, which runs the processes, may read (a checkout under /root it may not).
 * @param {string} checkout
 * @param {string} stack
 * @param {{ uid: number, portBase?: number | undefined, base?: string }} who base: default /var/lib/hivematrix
 * @returns {{ root: string, user?: string }}
 */
export function chooseRoot(checkout, stack, { uid, portBase, base = "/var/lib/hivematrix" }) {
  if (uid !== 0) return { root: join(hiveFolder(checkout), stack) };
  const root = join(base, stack);
  // Another checkout's trial lies there: this one, on ports of its own, takes a folder of its own.
  const taken = portBase !== undefined && isFilled(root);
  return { root: taken ? `${root}-${portBase}` : root, user: "hive" };
}

/**
 * @param {string} folder
 * @returns {boolean} it is there and holds something
 */
export function isFilled(folder) {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

/**
 * @param {string} checkout
 * @returns {string} folder of the trial's own file backend
 */
export function stateFolder(checkout) {
  return join(hiveFolder(checkout), "state");
}

/**
 * @param {string} checkout
 * @returns {string}
 */
export function passphrasePath(checkout) {
  return join(hiveFolder(checkout), "passphrase");
}

/**
 * Where Pulumi's file backend keeps a stack of this project.
 * @param {string} checkout
 * @param {string} stack
 * @returns {string}
 */
export function checkpointPath(checkout, stack) {
  return join(stateFolder(checkout), ".pulumi", "stacks", "hivematrix", `${stack}.json`);
}

/**
 * @param {string} checkout
 * @returns {number | undefined} uid of whoever made the trial's folder
 */
export function trialOwner(checkout) {
  try {
    return statSync(hiveFolder(checkout)).uid;
  } catch {
    return undefined;
  }
}
