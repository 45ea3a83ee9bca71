/** Servers that objects are made through, besides the host itself; by their provider's package. */
export const servers = {
  keycloak: { name: "Keycloak", patterns: ["urn:pulumi:*::*::**keycloak:*/**"] },
  postgresql: {
    name: "PostgreSQL",
    // What is asked for by psql on the host belongs to it as well.
    patterns: ["urn:pulumi:*::*::**postgresql:*/**", "urn:pulumi:*::*::**host:index:Sql**"],
  },
} as const;
