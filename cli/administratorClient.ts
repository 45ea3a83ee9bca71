import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { control } from "./control.ts";
import { HiveError } from "./hiveError.ts";
import { type ClientCredentials, KeycloakRest } from "./keycloakRest.ts";
import { readServiceEnvironment } from "./serviceEnvironment.ts";
import type { Trial } from "./trial.ts";

const objects = z.array(z.object({ id: z.string(), clientId: z.string().optional() }));

/** The client that the program, and `hive`, administer Keycloak with; its secret is on the host. */
export function administratorOf(trial: Trial): ClientCredentials {
  const env = readServiceEnvironment(trial, "keycloak");
  return {
    id: env["KC_BOOTSTRAP_ADMIN_CLIENT_ID"] ?? "",
    secret: env["KC_BOOTSTRAP_ADMIN_CLIENT_SECRET"] ?? "",
  };
}

/**
 * Makes the administrator client anew when Keycloak does not take it any more. Keycloak is stopped
 * meanwhile: only then does it let itself be administered without a password (kc.sh bootstrap-admin).
 * @param tell what is done at the moment
 * @returns whether it had to be made
 */
export async function restoreAdministrator(
  trial: Trial,
  tell: (what: string) => void,
): Promise<boolean> {
  const administrator = administratorOf(trial);
  if (await new KeycloakRest(trial.ports.keycloak, administrator).signsIn()) return false;
  const options = { stack: trial.stack, timeout: "180", quiet: true };
  const rescue = { id: `rescue-${randomBytes(4).toString("hex")}`, secret: createSecret() };
  tell("stopping Keycloak");
  await control("stop", ["keycloak"], options);
  try {
    tell("letting Keycloak make a client for the rescue");
    bootstrap(trial, rescue);
  } finally {
    tell("starting Keycloak");
    await control("start", ["keycloak"], options);
  }
  const keycloak = new KeycloakRest(trial.ports.keycloak, rescue);
  await removeClients(keycloak, administrator.id);
  await addAdministrator(keycloak, administrator);
  await removeClients(keycloak, rescue.id);
  return true;
}

/** The secret by environment: never on a command line. */
function bootstrap(trial: Trial, { id, secret }: ClientCredentials): void {
  const folder = join(trial.root, "keycloak");
  const versions = readdirSync(folder).filter((name) => /^\d/.test(name));
  const program = join(folder, versions.sort().at(-1) ?? "", "bin", "kc.sh");
  const { user } = trial;
  const become =
    process.getuid?.() === 0 && user !== undefined
      ? ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--"]
      : [];
  const [command, ...args] = [
    ...become,
    program,
    ...["bootstrap-admin", "service", "--optimized", "--no-prompt"],
    ...[`--client-id=${id}`, "--client-secret:env=HIVE_RESCUE_SECRET"],
  ];
  const { status, stdout, stderr } = spawnSync(command ?? program, args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      ...readServiceEnvironment(trial, "keycloak"),
      HIVE_RESCUE_SECRET: secret,
    },
  });
  if (status === 0) return;
  const end = `${stdout}\n${stderr}`.trim().split("\n").slice(-5).join("\n");
  throw new HiveError(`Keycloak's own rescue did not succeed:\n${end}`);
}

async function removeClients(keycloak: KeycloakRest, clientId: string): Promise<void> {
  const query = new URLSearchParams({ clientId });
  for (const { id } of objects.parse(await keycloak.get(`/master/clients?${query.toString()}`))) {
    await keycloak.send("DELETE", `/master/clients/${id}`);
  }
}

async function addAdministrator(
  keycloak: KeycloakRest,
  { id: clientId, secret }: ClientCredentials,
): Promise<void> {
  await keycloak.send("POST", "/master/clients", {
    clientId,
    secret,
    name: "HiveMatrix, the program",
    publicClient: false,
    standardFlowEnabled: false,
    directAccessGrantsEnabled: false,
    serviceAccountsEnabled: true,
  });
  const query = new URLSearchParams({ clientId });
  const [client] = objects.parse(await keycloak.get(`/master/clients?${query.toString()}`));
  const account = z
    .object({ id: z.string() })
    .parse(await keycloak.get(`/master/clients/${client?.id ?? ""}/service-account-user`));
  const role: unknown = await keycloak.get("/master/roles/admin");
  await keycloak.send("POST", `/master/users/${account.id}/role-mappings/realm`, [role]);
}

function createSecret(): string {
  return randomBytes(32).toString("base64url");
}
