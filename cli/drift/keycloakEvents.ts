import { z } from "zod";

import { KeycloakRest } from "../keycloakRest.ts";
import type { Evidence } from "./evidence.ts";
import type { Finding } from "./findings.ts";

const eventSchema = z.array(
  z.looseObject({
    time: z.number(),
    operationType: z.string().default(""),
    resourceType: z.string().default(""),
    resourcePath: z.string().default(""),
    authDetails: z
      .looseObject({
        realmId: z.string().optional(),
        userId: z.string().optional(),
        ipAddress: z.string().optional(),
      })
      .default({}),
  }),
);

type Event = z.output<typeof eventSchema>[number];

/** Most records of one finding, and of the realm. */
const limits = { finding: 3, events: 500 };

/** What Keycloak's own record of administration says: who changed what, when, from where. */
export class KeycloakEvents {
  readonly #rest: KeycloakRest;
  readonly #events = new Map<string, Promise<Event[]>>();
  readonly #names = new Map<string, Promise<string>>();

  constructor(port: number, client: { readonly id: string; readonly secret: string }) {
    this.#rest = new KeycloakRest(port, client);
  }

  /** Nothing is no fault: the realm may keep no events. */
  async of(finding: Finding): Promise<Evidence[]> {
    const { inputs = {} } = finding.recorded;
    const realm = inputs["realmId"] ?? inputs["realm"];
    if (typeof realm !== "string") return [];
    try {
      const events = await this.#eventsOf(realm);
      const ours = events
        .filter(({ time }) => time > Date.parse(finding.since))
        .filter((event) => concerns(event, finding))
        .slice(0, limits.finding);
      return await Promise.all(ours.map((event) => this.#tell(event)));
    } catch {
      return [];
    }
  }

  #eventsOf(realm: string): Promise<Event[]> {
    const known = this.#events.get(realm);
    if (known !== undefined) return known;
    const asked = this.#rest
      .get(`/${encodeURIComponent(realm)}/admin-events?max=${limits.events}`)
      .then((found) => eventSchema.parse(found));
    this.#events.set(realm, asked);
    return asked;
  }

  async #tell({ time, operationType, resourcePath, authDetails }: Event): Promise<Evidence> {
    const { realmId, userId, ipAddress } = authDetails;
    const name = userId === undefined ? undefined : await this.#nameOf(realmId ?? "master", userId);
    const from = ipAddress === undefined ? "" : ` from ${ipAddress}`;
    return {
      when: new Date(time).toISOString(),
      who: name === undefined ? undefined : `${name}${from}`,
      source: `Keycloak's admin events: ${operationType} ${resourcePath || "the realm"}`,
    };
  }

  /** Events name users by number, of the realm they signed in to; that realm by its number, too. */
  #nameOf(realm: string, user: string): Promise<string> {
    const known = this.#names.get(user);
    if (known !== undefined) return known;
    const found = this.#lookUp(realm, user).catch(() => user);
    this.#names.set(user, found);
    return found;
  }

  async #lookUp(realmId: string, user: string): Promise<string> {
    const realms = z
      .array(z.looseObject({ id: z.string(), realm: z.string() }))
      .parse(await this.#rest.get(""));
    const realm = realms.find(({ id, realm: name }) => id === realmId || name === realmId)?.realm;
    const account = await this.#rest.get(`/${realm ?? "master"}/users/${user}`);
    return z.looseObject({ username: z.string() }).parse(account).username;
  }
}

/** By the object's own id in the path; the realm itself has none. */
function concerns({ resourceType, resourcePath }: Event, { type, id }: Finding): boolean {
  if (/^keycloak:index\/realm(Events)?:/.test(type)) return resourceType === "REALM";
  const own = id.split("/").at(-1) ?? "";
  return own !== "" && resourcePath.includes(own);
}
