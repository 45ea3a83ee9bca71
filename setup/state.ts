import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Backend, findBackend, liesInside } from "../cli/backend.ts";
import { hiveFolder } from "../cli/record.js";
import { SetupError } from "./setupError.ts";
import { passphrasePath, stateFolder } from "./trialFolder.js";

/**
 * Decides where the state lies and makes what the trial's own state needs: its folder and, once,
 * its passphrase.
 * @throws SetupError when a real host's state or secrets would be in the wrong place
 */
export function openState(checkout: string, stack: string, trial: boolean): Backend {
  const backend = findBackend(checkout, trial);
  if (!trial) {
    const refusal = checkRealStack(checkout, stack, backend);
    if (refusal !== undefined) throw new SetupError(refusal);
    return backend;
  }
  const env: Record<string, string> = { ...backend.env };
  if (backend.kind === "trial") {
    mkdirSync(stateFolder(checkout), { recursive: true, mode: 0o700 });
    chmodSync(hiveFolder(checkout), 0o700);
  }
  if (backend.kind === "trial" || !hasPassphrase(process.env)) {
    ensurePassphrase(checkout);
    env["PULUMI_CONFIG_PASSPHRASE_FILE"] = passphrasePath(checkout);
  }
  return { ...backend, env };
}

/**
 * A real host's state must outlive the checkout, and its secrets' key must be chosen, not met.
 * @returns the refusal, with the commands that fix it
 */
export function checkRealStack(
  checkout: string,
  stack: string,
  { kind, url }: Backend,
): string | undefined {
  const login = "`pulumi login file:///srv/pulumi` (or s3://…, gs://…, azblob://…, Pulumi Cloud)";
  if (kind === "none") {
    return `Stack ${stack} has no place for its state: ${login}, then this command again.`;
  }
  if (liesInside(url, checkout)) {
    return `The state of stack ${stack} would lie inside the checkout (${url}) and go with it: ${login}, then this command again.`;
  }
  const cloud = url.startsWith("https://") || url.startsWith("http://");
  if (cloud || namesSecretsProvider(checkout, stack)) return undefined;
  return (
    `Stack ${stack} names no secrets provider: ` +
    `\`pulumi stack init ${stack} --secrets-provider passphrase\` for a new stack, ` +
    `\`pulumi stack change-secrets-provider passphrase --stack ${stack}\` for one that exists ` +
    "(or awskms://…, gcpkms://…, azurekeyvault://…, hashivault://…)."
  );
}

/** A passphrase shows itself by its salt. */
function namesSecretsProvider(checkout: string, stack: string): boolean {
  const path = join(checkout, `Pulumi.${stack}.yaml`);
  if (!existsSync(path)) return false;
  return /^(secretsprovider|encryptionsalt):\s*\S/m.test(readFileSync(path, "utf8"));
}

function hasPassphrase(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (
    environment["PULUMI_CONFIG_PASSPHRASE"] !== undefined ||
    Boolean(environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
  );
}

/** Generated once; whoever has it and the state can read the trial's secrets. */
function ensurePassphrase(checkout: string): void {
  const path = passphrasePath(checkout);
  if (existsSync(path)) return;
  mkdirSync(hiveFolder(checkout), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
}
