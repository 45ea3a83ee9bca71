/**
 * Whether node_modules is what package-lock.json says. npm writes its own record
 * (node_modules/.package-lock.json) last, so an interrupted install has none.
 * @param {string} checkout
 * @returns {boolean}
 */
export function npmPackagesComplete(checkout: string): boolean;
/**
 * @param {string} checkout
 * @returns {string} the node that everything after npm runs on
 */
export function nodeBinary(checkout: string): string;
/**
 * The npm package `node` places its binary by an install script; `ignore-scripts` skips that.
 * @param {string} checkout
 * @returns {boolean}
 */
export function nodeBinaryWorks(checkout: string): boolean;
