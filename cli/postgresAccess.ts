import { readFileSync } from "node:fs";

/** What a stack's state says of its resources. */
interface Recorded {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
}

/** PostgreSQL as the stack's own provider reaches it from here. */
export interface PostgresAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty when the state was read without its secrets. */
  readonly password: string;
  /** Database to enter by. */
  readonly database: string;
  /** An external server is checked by its name. */
  readonly ssl?: { readonly ca: string };
}

/** @returns undefined before the first `up` has come so far */
export function postgresAccess(resources: readonly Recorded[]): PostgresAccess | undefined {
  const inputs = resources.find(({ type }) => type === "pulumi:providers:postgresql")?.inputs;
  if (inputs === undefined) return undefined;
  const text = (key: string, otherwise: string): string => {
    const value = inputs[key];
    return typeof value === "string" ? value : otherwise;
  };
  const authority = text("sslrootcert", "");
  return {
    host: text("host", "127.0.0.1"),
    port: Number(inputs["port"]),
    user: text("username", "postgres"),
    password: plain(inputs["password"]),
    database: text("database", "postgres"),
    ...(authority === "" ? {} : { ssl: { ca: readFileSync(authority, "utf8") } }),
  };
}

/** A secret in an export with its secrets shown. */
function plain(value: unknown): string {
  if (typeof value === "string") return value;
  const { plaintext } = (value ?? {}) as { plaintext?: string };
  return plaintext === undefined ? "" : (JSON.parse(plaintext) as string);
}
