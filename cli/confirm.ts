import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

import { pendingPath, revert } from "../provider/firewall/files.ts";
import { HiveError } from "./hiveError.ts";

/** Programs that begin a login; sshd-session since OpenSSH 9.8. */
const logins = ["sshd", "sshd-session", "login"];

/**
 * Tells the waiting `up` that somebody came in through the new rules.
 * @returns seconds since they were loaded
 * @throws HiveError when nothing waits, or this login is older than the rules
 */
export function confirmRules(): { seconds: number } {
  const loaded = readPending();
  const begun = loginTime();
  if (begun === undefined || begun < loaded) {
    throw new HiveError(
      "This login is older than the new rules, so it proves nothing: log in anew and run `hive firewall confirm` there.",
    );
  }
  // First what the timer would do; who then finds nothing pending knows that it was confirmed.
  spawnSync("systemctl", ["stop", `${revert}.timer`]);
  try {
    rmSync(pendingPath);
  } catch {
    throw new HiveError("Too late: the former rules are back. Run up again.");
  }
  return { seconds: Math.round(uptime() - loaded) };
}

/** Seconds since the machine started when the rules were loaded. */
function readPending(): number {
  try {
    return Number(readFileSync(pendingPath, "utf8"));
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    throw new HiveError(
      code === "EACCES"
        ? "Only root can confirm firewall rules: sudo hive firewall confirm."
        : "No firewall rules wait to be confirmed.",
    );
  }
}

function uptime(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}

/** When this login began, in seconds since the machine started; undefined outside of one. */
function loginTime(): number | undefined {
  let latest: number | undefined;
  for (let pid = process.pid; pid > 0;) {
    const { name, parent, begun } = readProcess(pid);
    // The sshd that listens is older than every login.
    if (logins.includes(name)) latest = Math.max(latest ?? 0, begun);
    pid = parent;
  }
  return latest;
}

/** Of /proc/<pid>/stat: the name is in brackets and may hold any character (proc_pid_stat(5)). */
function readProcess(pid: number): { name: string; parent: number; begun: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  return {
    name: stat.slice(stat.indexOf("(") + 1, end),
    parent: Number(fields[1]),
    // In hundredths of a second (USER_HZ), whatever the kernel's own tick.
    begun: Number(fields[19]) / 100,
  };
}
