/** Servers that objects are made through, besides the host itself; by their provider's package. */
export const servers = {
  keycloak: { name: "Keycloak", pattern: "urn:pulumi:*::*::**keycloak:*/**" },
  postgresql: { name: "PostgreSQL", pattern: "urn:pulumi:*::*::**postgresql:*/**" },
} as const;
