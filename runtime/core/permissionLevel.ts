import { ServiceError } from "../kernel/serviceError.ts";
import { permissionLevels, type PermissionLevel } from "../kernel/token.ts";
import type { User } from "./userToken.ts";

/** Which group of the realm gives which level (contract 1.4). */
const groupOf = { admin: "admins", technician: "technicians", billing: "billing" } as const;

/** The highest level that the groups give, each plain or with a slash before it; else `client`. */
export function permissionLevelOf(groups: readonly string[]): PermissionLevel {
  const given = new Set(groups.map((group) => group.replace(/^\//, "")));
  return (
    permissionLevels.find((level) => level !== "client" && given.has(groupOf[level])) ?? "client"
  );
}

/** @throws ServiceError 403 */
export function requireAdmin(user: User): void {
  if (user.permission_level === "admin") return;
  throw new ServiceError(403, "ERR_LEVEL", "This is for admins alone.");
}
