import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";

import { Database } from "../../components/database.ts";
import { Host } from "../../components/host.ts";
import { KeycloakServer } from "../../components/keycloakServer.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { Realm } from "../../components/realm.ts";
import { mockEngine, secret } from "../support/engine.ts";

const front = "https://localhost:8000";
const realmId = "id of realm-realm";

function build(): Realm {
  const host = new Host("host", { root: "/srv/hive" });
  const postgres = new PostgresServer("postgres", { host, port: 5433, databases: ["keycloak"] });
  const database = new Database("keycloak-db", { host, server: postgres, database: "keycloak" });
  const server = new KeycloakServer("keycloak", {
    host,
    database,
    port: 8080,
    managementPort: 9000,
    publicUrl: "https://localhost:8000/keycloak",
  });
  return new Realm("realm", {
    host,
    server,
    realm: "hivematrix",
    frontendUrl: front,
    administrator: { username: "ada", email: "ada@example.org" },
  });
}

const group = (name: string): object => ({
  type: "keycloak:index/group:Group",
  inputs: { realmId, name },
});

describe("components/Realm", () => {
  it("makes realm, scope, client, groups and the first administrator", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    expect(engine.childrenOf("realm")).to.deep.equal({
      "realm-client-secret": { type: "host:index:Secret", inputs: {} },
      "realm-admin-password": { type: "host:index:Secret", inputs: { length: 20 } },
      "realm-realm": {
        type: "keycloak:index/realm:Realm",
        inputs: {
          realm: "hivematrix",
          displayName: "HiveMatrix",
          enabled: true,
          loginWithEmailAllowed: true,
          resetPasswordAllowed: false,
          registrationAllowed: false,
          sslRequired: "external",
          passwordPolicy: "length(12) and notUsername and notEmail",
          accessTokenLifespan: "5m",
          accessCodeLifespan: "1m",
          accessCodeLifespanLogin: "30m",
          accessCodeLifespanUserAction: "10m",
          ssoSessionIdleTimeout: "2h",
          ssoSessionMaxLifespan: "10h",
          securityDefenses: { bruteForceDetection: { maxLoginFailures: 10 } },
          attributes: { adminEventsExpiration: "7776000" },
        },
      },
      "realm-events": {
        type: "keycloak:index/realmEvents:RealmEvents",
        inputs: {
          realmId,
          eventsEnabled: true,
          eventsExpiration: 7_776_000,
          enabledEventTypes: engine.find("realm-events").inputs["enabledEventTypes"],
          adminEventsEnabled: true,
          adminEventsDetailsEnabled: false,
          eventsListeners: ["jboss-logging"],
        },
      },
      "realm-client-optional-scopes": {
        type: "keycloak:openid/clientOptionalScopes:ClientOptionalScopes",
        inputs: { realmId, clientId: "id of realm-client", optionalScopes: [] },
      },
      "realm-groups-scope": {
        type: "keycloak:openid/clientScope:ClientScope",
        inputs: {
          realmId,
          name: "groups",
          description: "Groups of the user, without their path",
          includeInTokenScope: true,
        },
      },
      "realm-groups-mapper": {
        type: "keycloak:openid/groupMembershipProtocolMapper:GroupMembershipProtocolMapper",
        inputs: {
          realmId,
          clientScopeId: "id of realm-groups-scope",
          name: "groups",
          claimName: "groups",
          fullPath: false,
          addToIdToken: true,
          addToAccessToken: true,
          addToUserinfo: true,
        },
      },
      "realm-client": {
        type: "keycloak:openid/client:Client",
        inputs: {
          realmId,
          clientId: "core-client",
          name: "HiveMatrix",
          enabled: true,
          accessType: "CONFIDENTIAL",
          clientSecret: secret("value of realm-client-secret"),
          standardFlowEnabled: true,
          implicitFlowEnabled: false,
          directAccessGrantsEnabled: false,
          serviceAccountsEnabled: false,
          pkceCodeChallengeMethod: "S256",
          rootUrl: front,
          validRedirectUris: [`${front}/keycloak-callback`],
          validPostLogoutRedirectUris: [`${front}/`],
          webOrigins: [front],
          fullScopeAllowed: false,
        },
      },
      "realm-client-scopes": {
        type: "keycloak:openid/clientDefaultScopes:ClientDefaultScopes",
        inputs: {
          realmId,
          clientId: "id of realm-client",
          defaultScopes: ["basic", "profile", "email", "roles", "web-origins", "acr", "groups"],
        },
      },
      "realm-group-admins": group("admins"),
      "realm-group-technicians": group("technicians"),
      "realm-group-billing": group("billing"),
      "realm-group-client": group("client"),
      "realm-default-groups": {
        type: "keycloak:index/defaultGroups:DefaultGroups",
        inputs: { realmId, groupIds: ["id of realm-group-client"] },
      },
      "realm-admin": {
        type: "keycloak:index/user:User",
        inputs: {
          realmId,
          username: "ada",
          email: "ada@example.org",
          emailVerified: true,
          firstName: "HiveMatrix",
          lastName: "Administrator",
          initialPassword: { value: secret("value of realm-admin-password"), temporary: true },
        },
      },
      "realm-admin-groups": {
        type: "keycloak:index/userGroups:UserGroups",
        inputs: {
          realmId,
          userId: "id of realm-admin",
          groupIds: ["id of realm-group-admins"],
          exhaustive: false,
        },
      },
    });
  });

  it("protects the realm, which goes only with the server", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    expect(engine.find("realm-realm").protect).to.equal(true);
    const inServer = Object.keys(engine.childrenOf("realm"))
      .map((name) => engine.find(name))
      .filter(({ type }) => type.startsWith("keycloak:"));
    expect(inServer).to.have.length(14);
    for (const { name, deletedWith } of inServer) {
      expect(deletedWith, name).to.equal("keycloak-service");
    }
  });

  it("leaves the administrator's password and pending actions alone afterwards", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    expect(engine.find("realm-admin").ignoreChanges).to.have.members([
      "initialPassword",
      "requiredActions",
    ]);
  });

  it("assigns the groups scope after it is made", async () => {
    const engine = await mockEngine();
    build();
    await engine.drain();
    expect(engine.find("realm-client-scopes").dependsOn).to.include("realm-groups-scope");
  });

  it("knows the issuer; the password and the client's secret are secret", async () => {
    const engine = await mockEngine();
    const realm = build();
    await engine.drain();
    expect(realm.issuer).to.equal("https://localhost:8000/keycloak/realms/hivematrix");
    expect(realm.adminUsername).to.equal("ada");
    expect(await pulumi.isSecret(realm.adminPassword)).to.equal(true);
    expect(await pulumi.isSecret(realm.clientSecret)).to.equal(true);
  });
});
