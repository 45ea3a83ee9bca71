/**
 * @param {string} checkout
 * @param {readonly string[]} [folders] other places that will be written to
 * @returns {Machine}
 */
export function inspectMachine(checkout: string, folders?: readonly string[]): Machine;
/**
 * @param {string} text of /etc/os-release
 * @returns {Machine["system"]}
 */
export function parseSystem(text: string): Machine["system"];
/**
 * @param {readonly string[]} names
 * @returns {string[]} those that are not installed
 */
export function missingPackages(names: readonly string[]): string[];
/** @returns {string} the user's cache of this project (the CLI, plugins, archives) */
export function cacheFolder(): string;
/** @returns {boolean} */
export function packageListsMissing(): boolean;
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
export const programPackages: {
  postgresql: number;
  "default-jre-headless": number;
  runit: number;
  maven: number;
};
/**
 * Facts about this machine, gathered without changing anything.
 */
export type Machine = {
  /**
   * as process.platform
   */
  platform: string;
  /**
   * /etc/os-release
   */
  system: {
    id: string;
    like: string;
    version: string;
    name: string;
  };
  /**
   * apt-get is here
   */
  apt: boolean;
  uid: number;
  /**
   * sudo: works without asking for a password
   */
  privilege: "root" | "sudo" | "none";
  /**
   * the checkout may be written
   */
  writable: boolean;
  /**
   * on the smallest of the file systems used
   */
  freeMegabytes: number | undefined;
};
