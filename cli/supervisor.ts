import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { HiveError } from "./hiveError.ts";
import { supervised, type Trial } from "./trial.ts";

/** @returns pid of the trial's runsvdir; undefined when it does not run */
export function findSupervisor(trial: Trial): number | undefined {
  const folder = supervised(trial);
  const found = readdirSync("/proc").find((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const [program = "", ...args] = readCommandLine(entry);
    return /(^|\/)runsvdir$/.test(program) && args.includes(folder);
  });
  return found === undefined ? undefined : Number(found);
}

/**
 * Starts a supervisor that died or went with a reboot; it starts every service that is not stopped.
 * @param orphaned services of the former one still run: until they end, the new one complains every
 *   few seconds that it cannot take them over, which is not worth a log
 * @throws HiveError when this user may not
 */
export function startSupervisor(trial: Trial, orphaned: boolean): void {
  const identity = findIdentity(trial);
  const path = orphaned ? "/dev/null" : join(trial.root, "supervisor.log");
  const log = openSync(path, "a", 0o600);
  const child = spawn("runsvdir", ["-P", supervised(trial)], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "ignore", log],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    ...identity,
  });
  closeSync(log);
  child.unref();
}

/** Who the supervisor runs as. */
function findIdentity({ user }: Trial): { uid?: number; gid?: number } {
  if (user === undefined) return {};
  const { stdout, status } = spawnSync("getent", ["passwd", user], { encoding: "utf8" });
  const [, , uid, gid] = stdout.split(":");
  if (status !== 0 || uid === undefined || gid === undefined) {
    throw new HiveError(`The system user ${user} is gone: run \`npm run up\`.`);
  }
  const own = process.getuid?.();
  if (own === Number(uid)) return {};
  if (own !== 0) {
    throw new HiveError(`The supervisor runs as ${user}: run the same command with sudo.`);
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function readCommandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
