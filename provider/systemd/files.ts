import { createHash } from "node:crypto";

import { Fault } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { UnitInputs } from "../resources/unit.ts";
import type { Transport } from "../transport/transport.ts";
import { systemctl } from "./control.ts";
import { environmentFile } from "./environmentFile.ts";
import {
  credentialPath,
  environmentPath,
  readyFile,
  secretsFolder,
  unitFile,
  unitPath,
} from "./unitFile.ts";

export interface UnitText {
  readonly path: string;
  readonly content: string;
  readonly mode: string;
  readonly validate?: readonly string[];
}

/** Variable that names the definition a process was started with. */
export const definitionVariable = "HIVEMATRIX_DEFINITION";

/** Names all that a process is started with: another one means that it must be restarted. */
export function digestOf(unit: UnitInputs): string {
  const { env, credentials = {}, restartOn = [] } = unit;
  const sorted = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).sort(([one], [two]) => (one < two ? -1 : 1));
  const parts = [unitFile(unit), sorted(env), sorted(credentials), restartOn];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The files of a unit; the unit itself last. Secrets are only in those of mode 0600. */
export function filesOf(unit: UnitInputs): UnitText[] {
  const { name, credentials = {} } = unit;
  const env = {
    LANG: "C.UTF-8",
    ...unit.env,
    ...(unit.handover ? { READY_FILE: readyFile(name) } : {}),
    [definitionVariable]: digestOf(unit),
  };
  return [
    { path: environmentPath(name), content: environmentFile(env), mode: "0600" },
    ...Object.entries(credentials).map(([key, content]) => ({
      path: credentialPath(name, key),
      content,
      mode: "0600",
    })),
    { ...validated(`${name}.service`), content: unitFile(unit), mode: "0644" },
  ];
}

/** systemd wants a unit's own name; the new file lies beside it under another one. */
export function validated(unit: string): { path: string; validate: string[] } {
  const script = `folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cp "$1" "$folder/$2" &&
systemd-analyze verify --man=no --recursive-errors=no "$folder/$2"`;
  return { path: unitPath(unit), validate: ["sh", "-c", script, "systemd-analyze", "%s", unit] };
}

/** Those that are missing, other than they should be, or open to others. */
export async function differingFiles(
  transport: Transport,
  files: readonly UnitText[],
): Promise<UnitText[]> {
  const [contents, entries] = await Promise.all([
    Promise.all(files.map(({ path }) => transport.read(path))),
    Promise.all(files.map(({ path }) => transport.stat(path))),
  ]);
  return files.filter(({ content, mode }, index) => {
    const entry = entries[index];
    return (
      contents[index]?.toString("utf8") !== content ||
      entry?.type !== "file" ||
      entry.mode !== mode ||
      entry.owner !== "root"
    );
  });
}

/** Writes what differs and lets systemd read it. Whether anything differed. */
export async function writeFiles(
  context: Context,
  files: readonly UnitText[],
  surplus: readonly string[] = [],
): Promise<boolean> {
  const { transport, signal } = context;
  if (transport.user !== "root") {
    throw new Fault("Only root can write systemd units; connect as root or with sudo.");
  }
  const differing = await differingFiles(transport, files);
  if (differing.some(({ path }) => path.startsWith(secretsFolder))) {
    await transport.makeDirectory("/etc/hivematrix", { mode: "0755", owner: "root" });
    await transport.makeDirectory(secretsFolder, { mode: "0700", owner: "root" });
  }
  for (const { path, content, mode, validate } of differing) {
    await transport.writeAtomic(path, content, { mode, owner: "root", validate, signal });
  }
  for (const path of surplus) await transport.remove(path);
  const changed = differing.length > 0 || surplus.length > 0;
  if (changed) await systemctl(context, "daemon-reload");
  return changed;
}
