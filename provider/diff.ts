import { type Path, UNKNOWN } from "./wire.ts";

export type Kind = "add" | "update" | "delete";

export interface Difference {
  readonly path: Path;
  readonly kind: Kind;
}

/** Where two values differ, as deep as both have the same shape. Not known yet counts as different. */
export function differences(old: unknown, wanted: unknown, path: Path = []): Difference[] {
  if (wanted === undefined) return old === undefined ? [] : [{ path, kind: "delete" }];
  if (old === undefined) return [{ path, kind: "add" }];
  if (old === wanted && wanted !== UNKNOWN) return [];
  if (isCollection(old) && isCollection(wanted) && Array.isArray(old) === Array.isArray(wanted)) {
    const steps = Array.isArray(old)
      ? Array.from({ length: Math.max(size(old), size(wanted)) }, (_, index) => index)
      : new Set([...Object.keys(old), ...Object.keys(wanted)]);
    return [...steps].flatMap((step) => differences(old[step], wanted[step], [...path, step]));
  }
  return [{ path, kind: "update" }];
}

/** Whether two values are the same and known. */
export function same(old: unknown, wanted: unknown): boolean {
  return differences(old, wanted).length === 0;
}

function isCollection(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

function size(value: object): number {
  return Object.keys(value).length;
}
