import { expect } from "chai";

import { choosePhases, excludeArguments } from "../../setup/phases.ts";

const urn = "urn:pulumi:dev::hivematrix::";
const urns = {
  folder: `${urn}hivematrix:index:Host$host:index:Directory::host-folder`,
  postgres: `${urn}hivematrix:index:PostgresServer$host:index:Service::postgres-service`,
  role: `${urn}hivematrix:index:Database$postgresql:index/role:Role::keycloak-db-role`,
  rights: `${urn}hivematrix:index:Database$host:index:Sql::keycloak-db-rights`,
  keycloak: `${urn}hivematrix:index:KeycloakServer$host:index:Service::keycloak-service`,
  provider: `${urn}hivematrix:index:PostgresServer$pulumi:providers:postgresql::postgres-provider`,
  realm: `${urn}hivematrix:index:Realm$keycloak:index/realm:Realm::realm-realm`,
  client: `${urn}hivematrix:index:Realm$keycloak:openid/client:Client::realm-client`,
};
const all = Object.values(urns).map((one) => {
  return { urn: one, type: one.split("::")[2]?.split("$").at(-1) ?? "" };
});

/** As Pulumi reads patterns: `*` stays within a part, `**` does not. */
function left(patterns: readonly string[]): string[] {
  const matchers = patterns.map((pattern) => {
    const parts = pattern.split("**").map((part) =>
      part
        .split("*")
        .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join("[^:]*"),
    );
    return new RegExp(`^${parts.join(".*")}$`);
  });
  return Object.entries(urns)
    .filter(([, one]) => !matchers.some((matcher) => matcher.test(one)))
    .map(([name]) => name);
}

describe("phases of up", () => {
  it("is one when every server answers", () => {
    const phases = choosePhases(all, { postgres: true, keycloak: true });
    expect(phases).to.deep.equal([{ name: "everything", exclude: [] }]);
    expect(phases.map(excludeArguments)).to.deep.equal([[]]);
  });

  it("is one when nothing was made through a server yet", () => {
    const host = all.filter(({ type }) => type.startsWith("host:"));
    expect(choosePhases(host, { postgres: false, keycloak: false })).to.have.length(1);
    expect(choosePhases([], { postgres: false, keycloak: false })).to.have.length(1);
  });

  it("starts with the host and PostgreSQL when neither answers, as after a reboot", () => {
    const phases = choosePhases(all, { postgres: false, keycloak: false });
    expect(phases.map(({ exclude }) => left(exclude))).to.deep.equal([
      ["folder", "postgres", "provider"],
      ["folder", "postgres", "role", "rights", "keycloak", "provider"],
      Object.keys(urns),
    ]);
  });

  it("starts with Keycloak when only that does not answer", () => {
    const phases = choosePhases(all, { postgres: true, keycloak: false });
    expect(phases.map(({ name }) => name)).to.deep.equal(["Keycloak", "everything"]);
  });

  it("leaves out dependents too", () => {
    expect(excludeArguments({ name: "x", exclude: ["a", "b"] })).to.deep.equal([
      "--exclude",
      "a",
      "--exclude",
      "b",
      "--exclude-dependents",
    ]);
  });
});
