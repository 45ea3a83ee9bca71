import { userInfo } from "node:os";
import { dirname } from "node:path";

import { codeOf, Fault, messageOf } from "../fault.ts";

/** Undefined when nothing is there. */
export async function absentAsUndefined<T>(
  work: Promise<T>,
  path: string,
  user?: string,
): Promise<T | undefined> {
  const found = (): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      // The last one is a process that ended while its file in /proc was read.
      const absent = ["ENOENT", "ENOTDIR", "EISDIR", "EINVAL", "ESRCH"];
      if (absent.includes(codeOf(error) ?? "")) return undefined;
      throw error;
    });
  return explained(path, found, user);
}

/** Turns Node's errors into sentences. @param user who tried; default: who runs this process */
export async function explained<T>(
  path: string,
  work: () => Promise<T>,
  user = userInfo().username,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Fault
      ? error
      : new Fault(sentenceOf(path, error, user), { cause: error });
  }
}

function sentenceOf(path: string, error: unknown, user: string): string {
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return `${path}: user ${user} may not do that; run as root or choose a path of yours.`;
    case "ENOENT":
      return `${path}: the folder ${dirname(path)} is missing; declare a Directory for it.`;
    case "ENOTEMPTY":
    case "EEXIST":
      return `${path}: something else is there; move it away or choose another path.`;
    case "EROFS":
      return `${path}: the file system is read-only; mount it writable or choose another path.`;
    case "ENOSPC":
      return `${path}: the disk is full; make room and run the same command again.`;
    default:
      return `${path}: ${messageOf(error)}`;
  }
}
