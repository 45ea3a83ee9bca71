/**
 * Installs Debian packages, never with what they recommend (runit's would replace the machine's init).
 * @param {string} checkout
 * @param {import("./terminal.js").Terminal} terminal
 * @param {readonly string[]} names
 * @param {import("./machine.js").Machine["privilege"]} privilege root or sudo
 * @returns {Promise<void>}
 */
export function installPackages(
  checkout: string,
  terminal: import("./terminal.js").Terminal,
  names: readonly string[],
  privilege: import("./machine.js").Machine["privilege"],
): Promise<void>;
/**
 * @param {readonly string[]} names
 * @param {import("./machine.js").Machine["privilege"]} privilege
 * @returns {string[]} argument vector
 */
export function installCommand(
  names: readonly string[],
  privilege: import("./machine.js").Machine["privilege"],
): string[];
