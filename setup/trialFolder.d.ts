/**
 * Where the trial lies: in the checkout for an ordinary user; for root in a folder that the system
 * user `hive`, which runs the processes, may read (a checkout under /root it may not).
 * @param {string} checkout
 * @param {string} stack
 * @param {{ uid: number, portBase?: number | undefined, base?: string }} who base: default /var/lib/hivematrix
 * @returns {{ root: string, user?: string }}
 */
export function chooseRoot(
  checkout: string,
  stack: string,
  {
    uid,
    portBase,
    base,
  }: {
    uid: number;
    portBase?: number | undefined;
    base?: string;
  },
): {
  root: string;
  user?: string;
};
/**
 * @param {string} folder
 * @returns {boolean} it is there and holds something
 */
export function isFilled(folder: string): boolean;
/**
 * @param {string} checkout
 * @returns {string} folder of the trial's own file backend
 */
export function stateFolder(checkout: string): string;
/**
 * @param {string} checkout
 * @returns {string}
 */
export function passphrasePath(checkout: string): string;
/**
 * Where Pulumi's file backend keeps a stack of this project.
 * @param {string} checkout
 * @param {string} stack
 * @returns {string}
 */
export function checkpointPath(checkout: string, stack: string): string;
/**
 * @param {string} checkout
 * @returns {number | undefined} uid of whoever made the trial's folder
 */
export function trialOwner(checkout: string): number | undefined;
/** The stack that is the trial on this machine; every other one is somebody's real host. */
export const trialStack: "dev";
