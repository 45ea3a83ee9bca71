/**
 * @param {string} checkout
 * @param {{ verb: string, root?: string | undefined }} what root: the trial's folder, if there is one
 * @returns {Plan}
 */
export function makePlan(
  checkout: string,
  {
    verb,
    root,
  }: {
    verb: string;
    root?: string | undefined;
  },
): Plan;
/**
 * @param {Plan} plan
 * @param {import("./terminal.js").Terminal} terminal
 * @returns {string[]} lines; one short line when nothing is missing
 */
export function describePlan({ steps }: Plan, terminal: import("./terminal.js").Terminal): string[];
export type PlanStep = {
  name: string;
  how: string;
  mb: number;
  minutes: number;
};
/**
 * What is still missing on this machine.
 */
export type Plan = {
  /**
   * in the order they happen
   */
  steps: PlanStep[];
  /**
   * Debian packages that set-up installs itself
   */
  setupPackages: string[];
  /**
   * Debian packages that the program's `Package` installs
   */
  programPackages: string[];
  /**
   * npm packages are to be installed
   */
  npm: boolean;
};
