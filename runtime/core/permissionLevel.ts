import { permissionLevels, type PermissionLevel } from "../kernel/token.ts";

/** Which group of the realm gives which level (contract 1.4). */
const groupOf = { admin: "admins", technician: "technicians", billing: "billing" } as const;

/** The highest level that the groups give, each plain or with a slash before it; else `client`. */
export function permissionLevelOf(groups: readonly string[]): PermissionLevel {
  const given = new Set(groups.map((group) => group.replace(/^\//, "")));
  return (
    permissionLevels.find((level) => level !== "client" && given.has(groupOf[level])) ?? "client"
  );
}
