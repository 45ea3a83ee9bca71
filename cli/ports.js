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
export function ports(portBase) {
  if (portBase === undefined) {
    return {
      gateway: 8000,
      core: 5000,
      logger: 5004,
      keycloak: 8080,
      keycloakManagement: 9000,
      postgres: 5433,
    };
  }
  return {
    gateway: portBase,
    core: portBase + 1,
    logger: portBase + 2,
    keycloak: portBase + 3,
    keycloakManagement: portBase + 4,
    postgres: portBase + 5,
  };
}
