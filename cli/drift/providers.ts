import { z } from "zod";

import { withoutJson } from "../../provider/givenConfiguration.ts";
import { reach, type Reach } from "../../provider/transport/choose.ts";
import { hostEvidence, type Evidence } from "./evidence.ts";
import type { Finding } from "./findings.ts";
import { KeycloakEvents } from "./keycloakEvents.ts";

const exportSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z
      .array(
        z.looseObject({
          urn: z.string(),
          id: z.string().optional(),
          type: z.string(),
          inputs: z.record(z.string(), z.unknown()).default({}),
        }),
      )
      .default([]),
  }),
});

type Provider = z.output<typeof exportSchema>["deployment"]["resources"][number];

/** Asks the systems themselves who changed what, by the ways the stack's own providers go. */
export class Witnesses {
  readonly #providers: readonly Provider[];
  readonly #open: Reach[] = [];
  readonly #hosts = new Map<Provider, Promise<Reach>>();
  readonly #events = new Map<Provider, KeycloakEvents>();

  /** @param text what `pulumi stack export --show-secrets` prints */
  constructor(text: string) {
    const { resources } = exportSchema.parse(JSON.parse(text)).deployment;
    this.#providers = resources.filter(({ type }) => type.startsWith("pulumi:providers:"));
  }

  async of(finding: Finding): Promise<Evidence[]> {
    const provider = this.#providers.find(
      ({ urn, id }) => `${urn}::${id ?? ""}` === finding.recorded["provider"],
    );
    if (provider === undefined) return [];
    try {
      if (provider.type.endsWith(":host")) {
        return await hostEvidence((await this.#reach(provider)).transport, finding);
      }
      if (!provider.type.endsWith(":keycloak")) return [];
      await this.#forwards();
      return await this.#keycloak(provider).of(finding);
    } catch {
      // Who it was is good to know; that it was is in the report already.
      return [];
    }
  }

  close(): void {
    for (const { close } of this.#open) close();
  }

  /** A server on a host's loopback is reached by the forwards of that host's provider. */
  async #forwards(): Promise<void> {
    const hosts = this.#providers.filter(
      ({ type, inputs }) => type.endsWith(":host") && inputs["transport"] === "ssh",
    );
    await Promise.all(hosts.map((host) => this.#reach(host)));
  }

  #reach(provider: Provider): Promise<Reach> {
    const known = this.#hosts.get(provider);
    if (known !== undefined) return known;
    const made = reach(withoutJson(plain(provider.inputs)), () => undefined).then((way) => {
      this.#open.push(way);
      return way;
    });
    this.#hosts.set(provider, made);
    return made;
  }

  #keycloak(provider: Provider): KeycloakEvents {
    const known = this.#events.get(provider);
    if (known !== undefined) return known;
    const { url, clientId, clientSecret } = plain(provider.inputs);
    const port = Number(new URL(String(url)).port || 80);
    const made = new KeycloakEvents(port, { id: String(clientId), secret: String(clientSecret) });
    this.#events.set(provider, made);
    return made;
  }
}

/** Secrets as the values they are. */
function plain(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      const hidden =
        typeof value === "object" && value !== null && "plaintext" in value
          ? value.plaintext
          : undefined;
      return [key, typeof hidden === "string" ? (JSON.parse(hidden) as unknown) : value];
    }),
  );
}
