/**
 * What set-up found out about this machine before the first `up`: `.hive/<stack>.json`, read by
 * set-up, by the program (config.ts) and by `hive`.
 * @typedef {object} Trial
 * @property {number} [portBase] first of six ports in a row; absent: the documented ports
 * @property {string} [root] folder of everything the trial puts on this machine
 * @property {string} [user] system user of its processes; absent: whoever runs `up`
 * @property {boolean} [announced] the one-time password was shown
 */
/**
 * @param {string} checkout
 * @returns {string} the folder of the trial's own things: state, passphrase, records, logs
 */
export function hiveFolder(checkout: string): string;
/**
 * @param {string} checkout
 * @param {string} stack
 * @returns {string}
 */
export function recordPath(checkout: string, stack: string): string;
/**
 * @param {string} checkout
 * @param {string} stack
 * @returns {Trial | undefined} undefined when there is none
 * @throws Error naming the file when it is not JSON
 */
export function readRecord(checkout: string, stack: string): Trial | undefined;
/**
 * Adds to the record, atomically; the folder is made for its owner only.
 * @param {string} checkout
 * @param {string} stack
 * @param {Trial} changes
 * @returns {Trial} the record as it is now
 */
export function writeRecord(checkout: string, stack: string, changes: Trial): Trial;
/**
 * `hivematrix:portBase` of Pulumi.<stack>.yaml, which outranks the record (config.ts).
 * @param {string} checkout
 * @param {string} stack
 * @returns {number | undefined}
 */
export function configuredPortBase(checkout: string, stack: string): number | undefined;
/**
 * What set-up found out about this machine before the first `up`: `.hive/<stack>.json`, read by
 * set-up, by the program (config.ts) and by `hive`.
 */
export type Trial = {
  /**
   * first of six ports in a row; absent: the documented ports
   */
  portBase?: number | undefined;
  /**
   * folder of everything the trial puts on this machine
   */
  root?: string | undefined;
  /**
   * system user of its processes; absent: whoever runs `up`
   */
  user?: string | undefined;
  /**
   * the one-time password was shown
   */
  announced?: boolean | undefined;
  /**
   * objects in Keycloak and PostgreSQL whose making was cut off
   */
  halfMade?: { urn: string; type: string; inputs: Record<string, unknown> }[] | undefined;
};
