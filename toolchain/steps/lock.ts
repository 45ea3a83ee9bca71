import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const pause = 300;

/** A process id and when that process was started: ids are used again. */
function identify(pid: number | "self"): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${parseInt(stat, 10)}.${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}

/** Who holds the lock, if it is held by a process that lives. */
function findHolder(path: string): number | undefined {
  try {
    const holder = readlinkSync(path);
    const pid = parseInt(holder, 10);
    if (identify(pid) === holder) return pid;
    // Left by a process that was killed. Renamed first, so that of two that see this at the same
    // time none removes the lock the other has just made.
    const stale = `${path}.${process.pid}`;
    renameSync(path, stale);
    if (readlinkSync(stale) === holder) unlinkSync(stale);
    else renameSync(stale, path);
  } catch {
    // Nobody holds it any more.
  }
  return undefined;
}

function tryLock(path: string): boolean {
  try {
    symlinkSync(identify("self") ?? String(process.pid), path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes a lock that all processes of this machine respect; waits for another holder and says so.
 * It is a symbolic link whose target names its holder: made and read in one step.
 * Returns the function that gives it back.
 */
export async function acquireLock(path: string): Promise<() => void> {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !tryLock(path);) {
    const holder = findHolder(path);
    if (holder === undefined) continue;
    if (!told) console.log(`another preparation is at work (process ${holder}): waiting for it`);
    told = true;
    await delay(pause);
  }
  return () => {
    if (readlinkSync(path) === identify("self")) unlinkSync(path);
  };
}
