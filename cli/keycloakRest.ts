import { z } from "zod";

import { HiveError } from "./hiveError.ts";

/** A client of the realm master that signs in as itself. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
}

/** Milliseconds that Keycloak gets for an answer. */
const patience = 15_000;

/** Keycloak's administration interface on loopback. */
export class KeycloakRest {
  readonly #url: string;
  readonly #credentials: ClientCredentials;
  #token: string | undefined;

  /** @param port of Keycloak on 127.0.0.1 */
  constructor(port: number, credentials: ClientCredentials) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#credentials = credentials;
  }

  /** Whether Keycloak knows the client. @throws HiveError when it does not answer */
  async signsIn(): Promise<boolean> {
    const { id, secret } = this.#credentials;
    const response = await this.#ask("/realms/master/protocol/openid-connect/token", {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: id,
        client_secret: secret,
      }),
    });
    const body: unknown = await response.json().catch(() => undefined);
    this.#token = z.object({ access_token: z.string() }).safeParse(body).data?.access_token;
    return this.#token !== undefined;
  }

  /** @param path below /admin/realms */
  async get(path: string): Promise<unknown> {
    return (await this.send("GET", path)).json();
  }

  /** @throws HiveError with Keycloak's own word when it refuses */
  async send(method: string, path: string, body?: unknown): Promise<Response> {
    if (this.#token === undefined && !(await this.signsIn())) {
      throw new HiveError(
        "Keycloak does not know the platform's administrator client: `npx hive reconfigure identity` makes it anew.",
      );
    }
    const response = await this.#ask(`/admin/realms${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token ?? ""}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const said = z
      .object({ errorMessage: z.string().optional(), error_description: z.string().optional() })
      .safeParse(await response.json().catch(() => undefined)).data;
    const why = said?.errorMessage ?? said?.error_description ?? `status ${response.status}`;
    throw new HiveError(`Keycloak refuses it: ${why}.`);
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.#url}${path}`, { ...init, signal: AbortSignal.timeout(patience) });
    } catch {
      throw new HiveError("Keycloak does not answer: `npx hive status` tells why.");
    }
  }
}
