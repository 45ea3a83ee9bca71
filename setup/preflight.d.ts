/**
 * @param {import("./machine.js").Machine} machine
 * @returns {Findings}
 */
export function checkSystem({ platform, system, apt }: import("./machine.js").Machine): Findings;
/**
 * @param {import("./machine.js").Machine} machine
 * @param {readonly string[]} packages Debian packages that are missing
 * @param {{ listsMissing: boolean }} apt listsMissing: `apt-get update` never ran here
 * @returns {string[]}
 */
export function checkPrivilege(
  { privilege }: import("./machine.js").Machine,
  packages: readonly string[],
  {
    listsMissing,
  }: {
    listsMissing: boolean;
  },
): string[];
/**
 * @param {import("./machine.js").Machine} machine
 * @param {string} checkout
 * @param {boolean} somethingMissing the plan is not empty
 * @returns {string[]}
 */
export function checkDisk(
  { writable, freeMegabytes }: import("./machine.js").Machine,
  checkout: string,
  somethingMissing: boolean,
): string[];
/**
 * @param {object} trial
 * @param {string} trial.checkout
 * @param {number} trial.uid ours
 * @param {number | undefined} trial.owner uid of whoever made .hive
 * @param {import("../cli/record.js").Trial | undefined} trial.record
 * @param {string} trial.root where the trial lies or would lie
 * @returns {string[]}
 */
export function checkTrial({
  checkout,
  uid,
  owner,
  record,
  root,
}: {
  checkout: string;
  uid: number;
  owner: number | undefined;
  record: import("../cli/record.js").Trial | undefined;
  root: string;
}): string[];
/**
 * @param {object} trial
 * @param {number | undefined} trial.portBase
 * @param {string | undefined} trial.root what runs from there is ours
 * @param {string} [proc] default /proc
 * @returns {string[]} one sentence for each port that somebody else holds
 */
export function checkPorts(
  {
    portBase,
    root,
  }: {
    portBase: number | undefined;
    root: string | undefined;
  },
  proc?: string,
): string[];
/**
 * What stands in the way, each one sentence; found before anything is changed.
 */
export type Findings = {
  /**
   * `up` stops here
   */
  refusals: string[];
  warnings: string[];
};
