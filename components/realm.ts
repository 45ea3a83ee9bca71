import * as keycloak from "@pulumi/keycloak";
import * as pulumi from "@pulumi/pulumi";

import { Secret } from "../provider/sdk/secret.ts";
import type { Host } from "./host.ts";
import { groups } from "../registry.ts";
import type { KeycloakServer } from "./keycloakServer.ts";

export interface RealmArgs {
  readonly host: Host;
  readonly server: KeycloakServer;
  /** Name of the realm, also in its URLs. */
  readonly realm: string;
  /** Origin people enter by, without a path. */
  readonly frontendUrl: string;
  readonly administrator: { readonly username: string; readonly email: string };
}

/** Group of whoever has no other. */
const defaultGroup = "client";

/**
 * How long people stay signed in. A token of Keycloak's is good for minutes; core asks for a new one
 * while somebody works, so the idle time is that of a browser left alone. All are minutes or hours.
 */
const lifetimes = {
  accessTokenLifespan: "5m",
  accessCodeLifespan: "1m",
  accessCodeLifespanLogin: "30m",
  accessCodeLifespanUserAction: "10m",
  ssoSessionIdleTimeout: "2h",
  // As long as core's sessions (SESSION_LIFETIME).
  ssoSessionMaxLifespan: "10h",
};

/** Days that sign-ins and changes of the realm are kept; for ever is Keycloak's default. */
const eventDays = 90;

/** What is kept of sign-ins: enough to see who came, who failed and what was changed. */
const eventTypes = [
  "LOGIN",
  "LOGIN_ERROR",
  "LOGOUT",
  "LOGOUT_ERROR",
  "CODE_TO_TOKEN_ERROR",
  "REFRESH_TOKEN_ERROR",
  "UPDATE_CREDENTIAL",
  "UPDATE_CREDENTIAL_ERROR",
  "REMOVE_CREDENTIAL",
  "UPDATE_EMAIL",
  "UPDATE_PROFILE",
  "USER_DISABLED_BY_TEMPORARY_LOCKOUT",
  "USER_DISABLED_BY_PERMANENT_LOCKOUT",
];

/** Scopes every token of the client carries. `basic` gives `sub`; `groups` is our own. */
const scopes = ["basic", "profile", "email", "roles", "web-origins", "acr", "groups"];

/**
 * The realm people sign in to: its confidential client `core-client`, four groups with `client` as
 * the default, the groups in every token, and the first administrator with a one-time password.
 * Protected: a plan that would delete or replace the realm is refused.
 */
export class Realm extends pulumi.ComponentResource {
  readonly realm: string;
  /** Where OpenID Connect clients find everything else. */
  readonly issuer: string;
  readonly clientId: pulumi.Output<string>;
  readonly clientSecret: pulumi.Output<string>;
  readonly adminUsername: string;
  /** To be changed at the first sign-in; means nothing afterwards. */
  readonly adminPassword: pulumi.Output<string>;

  constructor(name: string, args: RealmArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, server, ...plain } = args;
    const { administrator } = plain;
    super("hivematrix:index:Realm", name, plain, opts);
    const onHost = { parent: this, provider: host.provider };
    // The realm lives in the server's database: when the server goes, so does all of it.
    const inServer = { parent: this, provider: server.provider, deletedWith: server.service };

    const clientSecret = new Secret(`${name}-client-secret`, {}, onHost);
    const password = new Secret(`${name}-admin-password`, { length: 20 }, onHost);
    const realm = new keycloak.Realm(
      `${name}-realm`,
      {
        realm: args.realm,
        displayName: "HiveMatrix",
        enabled: true,
        loginWithEmailAllowed: true,
        resetPasswordAllowed: false,
        registrationAllowed: false,
        sslRequired: "external",
        passwordPolicy: "length(12) and notUsername and notEmail",
        ...lifetimes,
        securityDefenses: { bruteForceDetection: { maxLoginFailures: 10 } },
        // How long changes are kept has no property of its own; seconds.
        attributes: { adminEventsExpiration: String(eventDays * 86_400) },
      },
      { ...inServer, dependsOn: server, protect: true },
    );
    new keycloak.RealmEvents(
      `${name}-events`,
      {
        realmId: realm.id,
        eventsEnabled: true,
        eventsExpiration: eventDays * 86_400,
        enabledEventTypes: eventTypes,
        adminEventsEnabled: true,
        // Without what was changed to: that may be a secret.
        adminEventsDetailsEnabled: false,
        // Its lines are on Keycloak's output, which the logger collects.
        eventsListeners: ["jboss-logging"],
      },
      inServer,
    );
    const groupScope = new keycloak.openid.ClientScope(
      `${name}-groups-scope`,
      {
        realmId: realm.id,
        name: "groups",
        description: "Groups of the user, without their path",
        includeInTokenScope: true,
      },
      inServer,
    );
    new keycloak.openid.GroupMembershipProtocolMapper(
      `${name}-groups-mapper`,
      {
        realmId: realm.id,
        clientScopeId: groupScope.id,
        name: "groups",
        claimName: "groups",
        fullPath: false,
        addToIdToken: true,
        addToAccessToken: true,
        addToUserinfo: true,
      },
      inServer,
    );
    const client = new keycloak.openid.Client(
      `${name}-client`,
      {
        realmId: realm.id,
        clientId: "core-client",
        name: "HiveMatrix",
        enabled: true,
        accessType: "CONFIDENTIAL",
        clientSecret: clientSecret.value,
        standardFlowEnabled: true,
        implicitFlowEnabled: false,
        directAccessGrantsEnabled: false,
        serviceAccountsEnabled: false,
        pkceCodeChallengeMethod: "S256",
        rootUrl: args.frontendUrl,
        validRedirectUris: [`${args.frontendUrl}/keycloak-callback`],
        validPostLogoutRedirectUris: [`${args.frontendUrl}/`],
        webOrigins: [args.frontendUrl],
        fullScopeAllowed: false,
      },
      inServer,
    );
    new keycloak.openid.ClientDefaultScopes(
      `${name}-client-scopes`,
      { realmId: realm.id, clientId: client.id, defaultScopes: scopes },
      { ...inServer, dependsOn: groupScope },
    );
    // No offline access: a session would outlive its end.
    new keycloak.openid.ClientOptionalScopes(
      `${name}-client-optional-scopes`,
      { realmId: realm.id, clientId: client.id, optionalScopes: [] },
      inServer,
    );
    const made = new Map(
      groups.map((group) => [
        group,
        new keycloak.Group(`${name}-group-${group}`, { realmId: realm.id, name: group }, inServer),
      ]),
    );
    new keycloak.DefaultGroups(
      `${name}-default-groups`,
      { realmId: realm.id, groupIds: [idOf(made, defaultGroup)] },
      inServer,
    );
    const admin = new keycloak.User(
      `${name}-admin`,
      {
        realmId: realm.id,
        username: administrator.username,
        email: administrator.email,
        emailVerified: true,
        firstName: "HiveMatrix",
        lastName: "Administrator",
        initialPassword: { value: password.value, temporary: true },
      },
      // Keycloak lists the pending change of password here; undoing that would cancel it.
      { ...inServer, ignoreChanges: ["requiredActions", "initialPassword"] },
    );
    new keycloak.UserGroups(
      `${name}-admin-groups`,
      {
        realmId: realm.id,
        userId: admin.id,
        groupIds: [idOf(made, "admins")],
        exhaustive: false,
      },
      inServer,
    );

    this.realm = args.realm;
    this.issuer = `${server.publicUrl}/realms/${args.realm}`;
    this.clientId = client.clientId;
    this.clientSecret = clientSecret.value;
    this.adminUsername = administrator.username;
    this.adminPassword = password.value;
    this.registerOutputs({ realm: this.realm, issuer: this.issuer, clientId: this.clientId });
  }
}

function idOf(
  made: ReadonlyMap<(typeof groups)[number], keycloak.Group>,
  group: (typeof groups)[number],
): pulumi.Output<string> {
  const found = made.get(group);
  if (found === undefined) throw new Error(`The group ${group} was not declared`);
  return found.id;
}
