import { z } from "zod";

import { administratorOf } from "./administratorClient.ts";
import { HiveError } from "./hiveError.ts";
import { KeycloakRest } from "./keycloakRest.ts";
import type { Trial } from "./trial.ts";

const userSchema = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().default(""),
  firstName: z.string().default(""),
  lastName: z.string().default(""),
  enabled: z.boolean(),
  requiredActions: z.array(z.string()).default([]),
});

const groupSchema = z.object({ id: z.string(), name: z.string() });

export type RealmUser = Readonly<z.output<typeof userSchema>>;
export type RealmGroup = Readonly<z.output<typeof groupSchema>>;

/** Users of one answer; a realm with more is looked at in the console. */
const most = 1000;

/**
 * The realm's users, by Keycloak's administration interface on loopback, as the administrator client
 * whose secret lies in Keycloak's environment on the host.
 */
export class RealmAdmin {
  readonly #rest: KeycloakRest;
  readonly #realm: string;

  constructor(trial: Trial, realm = "hivematrix") {
    this.#rest = new KeycloakRest(trial.ports.keycloak, administratorOf(trial));
    this.#realm = realm;
  }

  async users(): Promise<RealmUser[]> {
    const found = await this.#get(`/users?max=${most}&briefRepresentation=false`);
    return z.array(userSchema).parse(found);
  }

  /** @throws HiveError when there is none of that name */
  async user(username: string): Promise<RealmUser> {
    const query = new URLSearchParams({ username, exact: "true" });
    const [found] = z.array(userSchema).parse(await this.#get(`/users?${query.toString()}`));
    if (found === undefined) {
      throw new HiveError(`There is no user ${username}: \`npx hive user list\` names them.`, 2);
    }
    return found;
  }

  /** @throws HiveError when the name or the address is taken */
  async add(user: Omit<RealmUser, "id" | "requiredActions" | "enabled">): Promise<RealmUser> {
    await this.#send("POST", "/users", { ...user, enabled: true, emailVerified: true });
    return this.user(user.username);
  }

  /** Also ends the user's sessions when it is the end of the user. */
  async enable({ id }: RealmUser, enabled: boolean): Promise<void> {
    await this.#send("PUT", `/users/${id}`, { enabled });
    if (!enabled) await this.#send("POST", `/users/${id}/logout`);
  }

  /** The user has to choose another one at the next sign-in. */
  async setOneTimePassword({ id }: RealmUser, value: string): Promise<void> {
    const credential = { type: "password", value, temporary: true };
    await this.#send("PUT", `/users/${id}/reset-password`, credential);
  }

  async groups(): Promise<RealmGroup[]> {
    return z.array(groupSchema).parse(await this.#get("/groups"));
  }

  async groupsOf({ id }: RealmUser): Promise<RealmGroup[]> {
    return z.array(groupSchema).parse(await this.#get(`/users/${id}/groups`));
  }

  /** @param names all of them; others are left. @throws HiveError naming those there are */
  async setGroups(user: RealmUser, names: readonly string[]): Promise<void> {
    const [all, now] = await Promise.all([this.groups(), this.groupsOf(user)]);
    const unknown = names.filter((name) => !all.some((group) => group.name === name));
    if (unknown.length > 0) {
      const known = all.map(({ name }) => name).join(", ");
      throw new HiveError(`There is no group ${unknown.join(", ")}. There are: ${known}.`, 2);
    }
    for (const { id, name } of all) {
      const member = now.some((group) => group.id === id);
      if (member === names.includes(name)) continue;
      await this.#send(member ? "DELETE" : "PUT", `/users/${user.id}/groups/${id}`);
    }
  }

  #get(path: string): Promise<unknown> {
    return this.#rest.get(`/${this.#realm}${path}`);
  }

  #send(method: string, path: string, body?: unknown): Promise<Response> {
    return this.#rest.send(method, `/${this.#realm}${path}`, body);
  }
}
