import { expect } from "chai";

import { KeycloakAdmin } from "../support/keycloak.ts";
import { sharedPlatform } from "../support/platform.ts";
import type { Outcome, Trial } from "../support/trial.ts";

interface Change {
  readonly title: string;
  /** The resource that is named in the preview, and what of it. */
  readonly resource: string;
  readonly property?: string;
  readonly make: (admin: KeycloakAdmin) => Promise<void>;
  /** What is looked at, before the change and after the repair. */
  readonly look: (admin: KeycloakAdmin) => Promise<unknown>;
}

type Plain = Record<string, unknown>;

const realm = "/hivematrix";
const events = `${realm}/events/config`;
const client = (admin: KeycloakAdmin): Promise<string> =>
  admin.pathOf("clients", "clientId", "core-client");
const scope = (admin: KeycloakAdmin): Promise<string> =>
  admin.pathOf("client-scopes", "name", "groups");

/** A property of the realm that somebody sets to another value. */
function ofRealm(title: string, key: string, value: unknown, property = key): Change {
  return {
    title,
    resource: "realm-realm",
    property,
    make: (admin) => admin.change(realm, { [key]: value }),
    look: async (admin) => (await admin.get<Plain>(realm))[key],
  };
}

function ofEvents(title: string, key: string, value: unknown): Change {
  return {
    title,
    resource: "realm-events",
    property: key,
    make: (admin) => admin.change(events, { [key]: value }),
    look: async (admin) => (await admin.get<Plain>(events))[key],
  };
}

function ofClient(title: string, key: string, value: unknown, property = key): Change {
  return {
    title,
    resource: "realm-client",
    property,
    make: async (admin) => admin.change(await client(admin), { [key]: value }),
    look: async (admin) => (await admin.get<Plain>(await client(admin)))[key],
  };
}

async function names(admin: KeycloakAdmin, path: string): Promise<string[]> {
  return (await admin.get<{ name: string }[]>(path)).map(({ name }) => name).sort();
}

async function mapper(admin: KeycloakAdmin): Promise<{ path: string; config: Plain }> {
  const folder = `${await scope(admin)}/protocol-mappers/models`;
  const [found] = await admin.get<{ id: string; config: Plain }[]>(folder);
  return { path: `${folder}/${String(found?.id)}`, config: found?.config ?? {} };
}

const changes: readonly Change[] = [
  ofRealm("registration by anybody", "registrationAllowed", true),
  ofRealm("another name", "displayName", "Somebody else's"),
  ofRealm("resetting a password by mail", "resetPasswordAllowed", true),
  ofRealm("sign-in without TLS", "sslRequired", "none"),
  ofRealm("short passwords", "passwordPolicy", "length(4)"),
  ofRealm("no protection against guessing", "bruteForceProtected", false, "securityDefenses"),
  ofRealm("tokens that last for hours", "accessTokenLifespan", 36_000),
  ofRealm("sessions that end at once", "ssoSessionIdleTimeout", 60),
  ofRealm("no sign-in by address", "loginWithEmailAllowed", false),
  {
    ...ofRealm("changes kept for ever", "attributes", undefined),
    make: (admin) => admin.change(realm, { attributes: { adminEventsExpiration: "1" } }),
    look: async (admin) =>
      (await admin.get<{ attributes: Plain }>(realm)).attributes["adminEventsExpiration"],
  },
  ofEvents("no record of sign-ins", "eventsEnabled", false),
  ofEvents("a record with secrets in it", "adminEventsDetailsEnabled", true),
  ofEvents("mails about every event", "eventsListeners", ["jboss-logging", "email"]),
  ofClient("sign-in by a client's own form", "directAccessGrantsEnabled", true),
  ofClient(
    "an address of somebody else",
    "redirectUris",
    ["https://evil.example/*"],
    "validRedirectUris",
  ),
  ofClient("every role in every token", "fullScopeAllowed", true),
  ofClient("a secret that others know", "secret", "known", "clientSecret"),
  {
    title: "a scope taken away",
    resource: "realm-client-scopes",
    make: async (admin) => {
      const [, , , id] = (await scope(admin)).split("/");
      await admin.delete(`${await client(admin)}/default-client-scopes/${String(id)}`);
    },
    look: async (admin) => names(admin, `${await client(admin)}/default-client-scopes`),
  },
  {
    title: "offline access",
    resource: "realm-client-optional-scopes",
    make: async (admin) => {
      const path = await admin.pathOf("client-scopes", "name", "offline_access");
      await admin.put(
        `${await client(admin)}/optional-client-scopes/${String(path.split("/")[3])}`,
        {},
      );
    },
    look: async (admin) => names(admin, `${await client(admin)}/optional-client-scopes`),
  },
  {
    title: "groups with their path",
    resource: "realm-groups-mapper",
    property: "fullPath",
    make: async (admin) => {
      const { path, config } = await mapper(admin);
      await admin.change(path, { config: { ...config, "full.path": "true" } });
    },
    look: async (admin) => (await mapper(admin)).config["full.path"],
  },
  {
    title: "a group removed",
    resource: "realm-group-billing",
    make: async (admin) => admin.delete(await admin.pathOf("groups", "name", "billing")),
    look: async (admin) => names(admin, `${realm}/groups`),
  },
  {
    title: "no group for whoever is new",
    resource: "realm-default-groups",
    make: async (admin) => {
      const path = await admin.pathOf("groups", "name", "client");
      await admin.delete(`${realm}/default-groups/${String(path.split("/")[3])}`);
    },
    look: async (admin) => names(admin, `${realm}/default-groups`),
  },
  {
    title: "an administrator who is none",
    resource: "realm-admin-groups",
    make: async (admin) => {
      const user = await admin.pathOf("users", "username", "admin");
      const group = await admin.pathOf("groups", "name", "admins");
      await admin.delete(`${user}/groups/${String(group.split("/")[3])}`);
    },
    look: async (admin) =>
      names(admin, `${await admin.pathOf("users", "username", "admin")}/groups`),
  },
];

describe("a realm changed by hand", function () {
  this.timeout(600_000);
  let trial: Trial;
  let admin: KeycloakAdmin;
  let seen: string;
  const found = new Map<string, unknown>();
  const broken = new Map<string, unknown>();

  before(async () => {
    ({ trial } = await sharedPlatform());
    admin = await KeycloakAdmin.of(trial);
    for (const { title, look } of changes) found.set(title, await look(admin));
    for (const { make } of changes) await make(admin);
    for (const { title, look } of changes) broken.set(title, await look(admin));
    seen = (await trial.pulumi("preview", "--stack", "dev", "--refresh", "--diff")).text;
    succeeded(await trial.run("up"));
  });

  for (const { title, resource, property, look } of changes) {
    it(`${title}: shown by preview, put back by up`, async () => {
      expect(broken.get(title)).not.to.deep.equal(found.get(title));
      expect(seen).to.contain(`::${resource}]`);
      if (property !== undefined) expect(seen).to.match(new RegExp(`\\b${property}\\b`));
      expect(await look(admin)).to.deep.equal(found.get(title));
    });
  }

  it("leaves nothing to do, however often up is run", async () => {
    for (let times = 0; times < 3; times += 1) {
      const { code, text } = await trial.run("up");
      expect(code, text).to.equal(0);
      expect(text).not.to.match(/\d+ (created|updated|replaced|deleted|to )/);
    }
  });

  it("is got into again by `hive reconfigure identity` when the way in was taken away", async () => {
    expect(JSON.parse((await trial.hive("reconfigure", "identity", "--json")).text)).to.deep.equal({
      restored: false,
    });
    const [client] = await admin.get<{ id: string }[]>(
      "/master/clients?clientId=hivematrix-administrator",
    );
    await admin.delete(`/master/clients/${String(client?.id)}`);
    const refused = await trial.hive("user", "list");
    expect(refused.code).to.equal(1);
    expect(refused.text).to.contain("`npx hive reconfigure identity`");

    const made = await trial.hive("reconfigure", "identity", "--json");
    expect(made.code, made.text).to.equal(0);
    expect(JSON.parse(made.text)).to.deep.equal({ restored: true });
    succeeded(await trial.run("up"));
    const rescues = await admin.get<{ clientId: string }[]>("/master/clients");
    expect(
      rescues.map(({ clientId }) => clientId).filter((id) => id.startsWith("rescue")),
    ).to.deep.equal([]);
  });

  it("keeps the one-time password pending and never resets it", async () => {
    const user = await admin.get<{ requiredActions: string[] }>(
      await admin.pathOf("users", "username", "admin"),
    );
    expect(user.requiredActions).to.deep.equal(["UPDATE_PASSWORD"]);
  });
});

function succeeded({ code, text }: Outcome): void {
  expect(code, text).to.equal(0);
}
