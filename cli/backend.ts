import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { hiveFolder } from "./record.js";

/** Where a stack's state lies. */
export interface Backend {
  /**
   * `trial`: the file backend under .hive; `url`: PULUMI_BACKEND_URL; `login`: the user's
   * `pulumi login`; `none`: nobody said.
   */
  readonly kind: "trial" | "url" | "login" | "none";
  /** As Pulumi writes it; empty for `none`. */
  readonly url: string;
  /** What Pulumi has to find in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The trial's own state: no account, nothing outside the checkout. */
export function trialBackend(checkout: string): Backend {
  const url = `file://${join(hiveFolder(checkout), "state")}`;
  return {
    kind: "trial",
    url,
    env: {
      PULUMI_BACKEND_URL: url,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(hiveFolder(checkout), "passphrase"),
      // The salt of the secrets comes from the state and need not be in Pulumi.dev.yaml.
      PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    },
  };
}

/**
 * PULUMI_BACKEND_URL or the user's login wins; a trial that was begun in its own state stays there
 * when the user logs in somewhere later.
 * @param trial whether the stack may use the trial's own state
 */
export function findBackend(
  checkout: string,
  trial: boolean,
  environment: Environment = process.env,
): Backend {
  const own = trialBackend(checkout);
  const url = environment["PULUMI_BACKEND_URL"] ?? "";
  if (url !== "" && !(trial && sameFolder(url, own.url))) {
    return { kind: "url", url, env: { PULUMI_BACKEND_URL: url } };
  }
  if (trial && (url !== "" || existsSync(join(hiveFolder(checkout), "state")))) return own;
  const folder = credentialsFolder(environment);
  const login = readLogin(folder);
  if (login !== undefined) {
    return { kind: "login", url: login, env: { PULUMI_CREDENTIALS_PATH: folder } };
  }
  return trial ? own : { kind: "none", url: "", env: {} };
}

/** Folder of a `file://` backend; undefined for every other kind. */
export function backendFolder(url: string): string | undefined {
  if (!url.startsWith("file://")) return undefined;
  if (url.startsWith("file://~")) return join(homedir(), url.slice("file://~".length));
  if (url.startsWith("file:///")) return fileURLToPath(url.split("?")[0] ?? url);
  return resolve(url.slice("file://".length));
}

/** Whether a backend's state lies inside the folder. */
export function liesInside(url: string, folder: string): boolean {
  const path = backendFolder(url);
  return path !== undefined && (path === folder || path.startsWith(folder + sep));
}

function sameFolder(one: string, other: string): boolean {
  const folder = backendFolder(one);
  return folder !== undefined && folder === backendFolder(other);
}

function credentialsFolder(environment: Environment): string {
  return (
    environment["PULUMI_CREDENTIALS_PATH"] ??
    environment["PULUMI_HOME"] ??
    join(homedir(), ".pulumi")
  );
}

/** The backend of `pulumi login`; only its address is read. */
function readLogin(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, "credentials.json"), "utf8");
    const { current } = JSON.parse(text) as { current?: unknown };
    return typeof current === "string" && current !== "" ? current : undefined;
  } catch {
    return undefined;
  }
}
