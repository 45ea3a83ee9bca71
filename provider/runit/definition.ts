import { createHash } from "node:crypto";

import type { Account } from "../transport/transport.ts";

/** What is run and how; the user's account is that of the process. */
export interface Definition {
  /** Directory of the definition. */
  readonly state: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly account: Account;
  /** Whether the supervisor is root and has to become the user first. */
  readonly become: boolean;
  readonly cwd: string;
  readonly restartOn: readonly string[];
  readonly stopSignal: string;
  /** Seconds. */
  readonly stopTimeout: number;
}

export interface DefinitionFile {
  /** Below the state directory. */
  readonly path: string;
  readonly content: string;
  readonly mode: string;
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const heading = "#!/bin/sh\n# Written by HiveMatrix; changes are found and undone.\n";

/** Ten files of at most 1 MB (svlogd). */
const logSettings = "s1000000\nn10\n";

/** Names the definition a process was started with: another one means that it must be restarted. */
export function digestOf(definition: Definition): string {
  const { command, env, account, become, cwd, restartOn } = definition;
  const variables = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [command, variables, account.name, become, cwd, restartOn];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The files runsv and chpst read. Secrets are only in `env/`. */
export function filesOf(definition: Definition): DefinitionFile[] {
  return [
    { path: "stop", content: stopScript(definition), mode: "0755" },
    { path: "finish", content: `${heading}exec ./stop\n`, mode: "0755" },
    { path: "control/t", content: signalScript(definition), mode: "0755" },
    { path: "log/run", content: `${heading}exec svlogd -tt ./main\n`, mode: "0755" },
    { path: "log/main/config", content: logSettings, mode: "0644" },
    ...Object.entries(definition.env).map(([name, value]) => ({
      path: `env/${name}`,
      // chpst takes the first line and turns null characters into line ends.
      content: `${value.replaceAll("\n", "\0")}\n`,
      mode: "0600",
    })),
    // Last: a process that starts in between still has the former digest.
    { path: "run", content: runScript(definition), mode: "0700" },
  ];
}

/**
 * Records the process (number, start time, boot, definition) before it becomes the program, so that
 * a later start finds what a killed runsv left running.
 */
function runScript(definition: Definition): string {
  const { state, command, account, become, cwd } = definition;
  const user = become ? ` -u ${quoted(account.name)}` : "";
  return `${heading}exec 2>&1
./stop
read -r boot </proc/sys/kernel/random/boot_id
read -r stat <"/proc/$$/stat"
set -- \${stat##*) }
(umask 077 && echo "$$ \${20} $boot ${digestOf(definition)}" >.process.new && mv .process.new process)
export PATH=${quoted(path)} LANG=C.UTF-8
export HOME=${quoted(account.home)} USER=${quoted(account.name)} LOGNAME=${quoted(account.name)}
cd ${quoted(cwd)} || exit 1
exec chpst -P -e ${quoted(`${state}/env`)}${user} ${command.map(quoted).join(" ")}
`;
}

/** Ends the recorded process with its group, if it is still the same one. */
function stopScript({ state, stopSignal, stopTimeout }: Definition): string {
  return `${heading}cd ${quoted(state)} || exit 0
{ read -r pid start boot rest <process; } 2>/dev/null || exit 0
read -r now </proc/sys/kernel/random/boot_id
[ "$boot" = "$now" ] || exit 0
if { read -r stat <"/proc/$pid/stat"; } 2>/dev/null; then
  set -- \${stat##*) }
  [ "\${20}" = "$start" ] || exit 0
fi

# Whether any process of the group lives; dead ones that nobody has waited for do not count.
alive() {
  for file in /proc/[0-9]*/stat; do
    { read -r stat <"$file"; } 2>/dev/null || continue
    set -- \${stat##*) }
    [ "$3" = "$pid" ] && [ "$1" != Z ] && [ "$1" != X ] && return 0
  done
  return 1
}

# After the signal, waits up to the number of fifths of a second.
end() {
  kill -s "$1" -- "-$pid" 2>/dev/null
  left=$2
  while alive; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.2
  done
}

alive || exit 0
end ${stopSignal} ${stopTimeout * 5} || end KILL 25
exit 0
`;
}

/** runsv runs it in place of sending TERM: the signal goes to all the program has started. */
function signalScript({ stopSignal }: Definition): string {
  return `${heading}{ read -r pid rest <process && read -r current <supervise/pid; } 2>/dev/null || exit 1
[ "$pid" = "$current" ] || exit 1
kill -s ${stopSignal} -- "-$pid" 2>/dev/null
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
