/**
 * TCP ports on loopback. Plain JavaScript, because set-up reads them before there are npm packages.
 * @typedef {object} Ports
 * @property {number} gateway
 * @property {number} core
 * @property {number} logger
 * @property {number} keycloak
 * @property {number} keycloakManagement Keycloak's health and metrics
 * @property {number} postgres
 * @property {number} gatewayMetrics what the gateway counts, for Prometheus
 */

/**
 * The documented ports, or seven in a row from `portBase` so that a trial runs beside a live platform.
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
      gatewayMetrics: 9464,
    };
  }
  return {
    gateway: portBase,
    core: portBase + 1,
    logger: portBase + 2,
    keycloak: portBase + 3,
    keycloakManagement: portBase + 4,
    postgres: portBase + 5,
    gatewayMetrics: portBase + 6,
  };
}
