import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * What set-up found out about this machine before the first `up`: `.hive/<stack>.json`, read by
 * set-up, by the program (config.ts) and by `hive`.
 * @typedef {object} Trial
 * @property {number} [portBase] first of seven ports in a row; absent: the documented ports
 * @property {string} [root] folder of everything the trial puts on this machine
 * @property {import("../hostConfig.ts").HostSettings | undefined} [host] a real host by SSH; absent: this machine
 * @property {string} [user] system user of its processes; absent: whoever runs `up`
 * @property {boolean} [announced] the one-time password was shown
 * @property {{ urn: string, type: string, inputs: Record<string, unknown> }[]} [halfMade] objects
 *   in Keycloak and PostgreSQL whose making was cut off
 * @property {Record<string, number>} [rotations] how often a database's password was replaced
 * @property {Record<string, string>} [databases] those that were made, by what their component is
 *   named after: the program keeps one whose service is not installed any more
 */

/**
 * @param {string} checkout
 * @returns {string} the folder of the trial's own things: state, passphrase, records, logs
 */
export function hiveFolder(checkout) {
  return join(checkout, ".hive");
}

/**
 * @param {string} checkout
 * @param {string} stack
 * @returns {string}
 */
export function recordPath(checkout, stack) {
  return join(hiveFolder(checkout), `${stack}.json`);
}

/**
 * @param {string} checkout
 * @param {string} stack
 * @returns {Trial | undefined} undefined when there is none
 * @throws Error naming the file when it is not JSON or somebody else's
 */
export function readRecord(checkout, stack) {
  const path = recordPath(checkout, stack);
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (cause);
    if (code === "ENOENT") return undefined;
    throw new Error(
      `${path} may not be read by you: another user made this trial; run the same command with sudo.`,
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON; repair it, or remove it if nothing is provisioned.`, {
      cause,
    });
  }
}

/**
 * Adds to the record, atomically; the folder is made for its owner only.
 * @param {string} checkout
 * @param {string} stack
 * @param {Trial} changes
 * @returns {Trial} the record as it is now
 */
export function writeRecord(checkout, stack, changes) {
  const path = recordPath(checkout, stack);
  const trial = { ...readRecord(checkout, stack), ...changes };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  chmodSync(dirname(path), 0o700);
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify(trial, null, 2)}\n`, { mode: 0o600 });
  renameSync(beside, path);
  return trial;
}

/**
 * `hivematrix:portBase` of Pulumi.<stack>.yaml, which outranks the record (config.ts).
 * @param {string} checkout
 * @param {string} stack
 * @returns {number | undefined}
 */
export function configuredPortBase(checkout, stack) {
  const path = join(checkout, `Pulumi.${stack}.yaml`);
  if (!existsSync(path)) return undefined;
  const line = /^\s+["']?hivematrix:portBase["']?:\s*["']?(\d+)/m.exec(readFileSync(path, "utf8"));
  return line === null ? undefined : Number(line[1]);
}
