import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { HiveError } from "../hiveError.ts";

export interface DailyOptions {
  /** Folder of the project. */
  readonly checkout: string;
  readonly stack: string;
  /** `HH:MM`. */
  readonly at: string;
  /** Program and first arguments that are `hive`. */
  readonly hive: readonly string[];
  /** Environment it is asked from: where the state lies, and its key. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where the stack's state and key are is all that a look at it needs from the environment. */
const passedOn = [
  ...["PATH", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME"],
  ...["PULUMI_CREDENTIALS_PATH", "SSH_AUTH_SOCK", "HIVEMATRIX_CACHE", "XDG_CACHE_HOME"],
];

/**
 * A systemd timer at the desk: state and passphrase are here and never on a host. With drift, or when
 * something could not be looked at, the service fails, which systemd shows and can report
 * (OnFailure); its report is in the journal.
 */
export function dailyUnits(options: DailyOptions): { timer: string; service: string } {
  const { checkout, stack, at, hive, environment } = options;
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(at)) {
    throw new HiveError(`${at} is no time: give hours and minutes, such as 06:30.`, 2);
  }
  if (environment["PULUMI_CONFIG_PASSPHRASE"] !== undefined) {
    throw new HiveError(
      "A passphrase in the environment is gone by tomorrow: put it into a file of mode 0600, name that in PULUMI_CONFIG_PASSPHRASE_FILE, and run this again.",
    );
  }
  const variables = passedOn.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`Environment=${quoted(`${name}=${value}`)}`];
  });
  const command = [...hive, "drift", "--stack", stack];
  const about = `hive drift of stack ${stack}`;
  return {
    timer: `[Unit]
Description=Daily ${about}

[Timer]
OnCalendar=*-*-* ${at}:00
RandomizedDelaySec=300
Persistent=yes

[Install]
WantedBy=timers.target
`,
    service: `[Unit]
Description=${about}

[Service]
Type=oneshot
WorkingDirectory=${checkout.replaceAll("%", "%%")}
${[...variables, `ExecStart=${command.map(argument).join(" ")}`].join("\n")}
TimeoutStartSec=30min
`,
  };
}

/** Writes and starts the timer. @returns what it is called */
export function installDaily(options: DailyOptions): string {
  const { timer, service } = dailyUnits(options);
  const { folder, systemctl } = place(options);
  const name = nameOf(options.stack);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.service`), service);
  writeFileSync(join(folder, `${name}.timer`), timer);
  run([...systemctl, "daemon-reload"]);
  run([...systemctl, "enable", "--quiet", "--now", `${name}.timer`]);
  return `${name}.timer`;
}

/** Stops and removes it. @returns whether there was one */
export function removeDaily(options: Omit<DailyOptions, "at">): boolean {
  const { folder, systemctl } = place(options);
  const name = nameOf(options.stack);
  const path = join(folder, `${name}.timer`);
  if (!existsSync(path)) return false;
  run([...systemctl, "disable", "--quiet", "--now", `${name}.timer`]);
  for (const kind of ["timer", "service"]) rmSync(join(folder, `${name}.${kind}`), { force: true });
  run([...systemctl, "daemon-reload"]);
  return true;
}

function nameOf(stack: string): string {
  return `hivematrix-drift-${stack.replace(/[^\w.-]/g, "-")}`;
}

/** Root's are the system's, anybody else's their own. @throws HiveError with a line for cron */
function place({ checkout, stack, hive }: Omit<DailyOptions, "at">) {
  if (!existsSync("/run/systemd/system")) {
    const command = [...hive, "drift", "--stack", stack].join(" ");
    throw new HiveError(
      `This machine is not run by systemd. For cron: 30 6 * * * cd ${checkout} && ${command}`,
    );
  }
  const root = process.getuid?.() === 0;
  return root
    ? { folder: "/etc/systemd/system", systemctl: ["systemctl"] }
    : {
        folder: join(homedir(), ".config/systemd/user"),
        systemctl: ["systemctl", "--user"],
      };
}

function run([program = "", ...rest]: readonly string[]): void {
  const { status, stderr } = spawnSync(program, rest, { encoding: "utf8" });
  if (status !== 0) throw new HiveError(`${[program, ...rest].join(" ")} failed: ${stderr.trim()}`);
}

/** One word, in which nothing is a specifier or a quote (systemd.syntax(7)). */
function quoted(text: string): string {
  return `"${text.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;
}

/** In a command line a dollar sign has a meaning, too (systemd.service(5)). */
function argument(text: string): string {
  return quoted(text).replaceAll("$", "$$$$");
}
