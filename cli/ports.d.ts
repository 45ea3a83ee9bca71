/**
 * Ports of the trial, plain JavaScript because set-up reads them before npm packages exist.
 * config.ts holds the same table for the program; a test asserts that both agree.
 * @typedef {{ gateway: number, core: number, logger: number, keycloak: number, keycloakManagement: number, postgres: number }} Ports
 */
/**
 * The documented ports, or six in a row from `portBase`.
 * @param {number} [portBase]
 * @returns {Ports}
 */
export function ports(portBase?: number): Ports;
/**
 * Ports of the trial, plain JavaScript because set-up reads them before npm packages exist.
 * config.ts holds the same table for the program; a test asserts that both agree.
 */
export type Ports = {
  gateway: number;
  core: number;
  logger: number;
  keycloak: number;
  keycloakManagement: number;
  postgres: number;
};
