import type { Trial } from "./trial.ts";

/** Keycloak's admin REST interface of a trial, as its administrator client. */
export class KeycloakAdmin {
  readonly #url: string;
  readonly #secret: string;

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#secret = secret;
  }

  static async of(trial: Trial): Promise<KeycloakAdmin> {
    const resources = await trial.resources("--show-secrets");
    const secret = resources.find(({ urn }) => urn.endsWith("::keycloak-administrator-secret"));
    const { value } = secret?.outputs as { value: { plaintext: string } };
    const url = `http://127.0.0.1:${String(trial.portBase + 3)}`;
    return new KeycloakAdmin(url, JSON.parse(value.plaintext) as string);
  }

  async token(): Promise<string> {
    const response = await fetch(`${this.#url}/realms/master/protocol/openid-connect/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "hivematrix-administrator",
        client_secret: this.#secret,
      }),
    });
    if (!response.ok) throw new Error(`token: ${String(response.status)} ${await response.text()}`);
    const { access_token: token } = (await response.json()) as { access_token: string };
    return token;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.#request("GET", path)).json()) as T;
  }

  /** Reads, changes and writes one object. */
  async change(path: string, changes: Record<string, unknown>): Promise<void> {
    const found = await this.get<Record<string, unknown>>(path);
    await this.#request("PUT", path, { ...found, ...changes });
  }

  async put(path: string, object: unknown): Promise<void> {
    await this.#request("PUT", path, object);
  }

  async create(path: string, object: Record<string, unknown>): Promise<void> {
    await this.#request("POST", path, object);
  }

  async delete(path: string): Promise<void> {
    await this.#request("DELETE", path);
  }

  /** `/hivematrix/<kind>/<id>` of the object whose property has the value. */
  async pathOf(kind: string, property: string, value: string): Promise<string> {
    const all = await this.get<Record<string, unknown>[]>(`/hivematrix/${kind}`);
    const id = all.find((object) => object[property] === value)?.["id"];
    if (typeof id !== "string") throw new Error(`no ${kind} with ${property} ${value}`);
    return `/hivematrix/${kind}/${id}`;
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.#url}/admin/realms${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.token()}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${String(response.status)} ${await response.text()}`);
    }
    return response;
  }
}
