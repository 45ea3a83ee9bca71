import type { Definition } from "./definition.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** First lines of every script. */
export const heading = "#!/bin/sh\n# Written by HiveMatrix; changes are found and undone.\n";

/**
 * Records the process (number, start time, boot, definition) before it becomes the program, so that
 * a later start finds what a killed runsv left running.
 */
export function runScript(definition: Definition, digest: string): string {
  const { state, command, account, become, cwd } = definition;
  const user = become ? ` -u ${quoted(account.name)}` : "";
  return `${heading}exec 2>&1
./stop
read -r boot </proc/sys/kernel/random/boot_id
read -r stat <"/proc/$$/stat"
set -- \${stat##*) }
(umask 077 && echo "$$ \${20} $boot ${digest}" >.process.new && mv .process.new process)
export PATH=${quoted(path)} LANG=C.UTF-8
export HOME=${quoted(account.home)} USER=${quoted(account.name)} LOGNAME=${quoted(account.name)}
cd ${quoted(cwd)} || exit 1
exec chpst -P -e ${quoted(`${state}/env`)}${user} ${command.map(quoted).join(" ")}
`;
}

/** Ends the recorded process with its group, if it is still the same one. */
export function stopScript({ state, stopSignal, stopTimeout }: Definition): string {
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
export function signalScript({ stopSignal }: Definition): string {
  return `${heading}{ read -r pid rest <process && read -r current <supervise/pid; } 2>/dev/null || exit 1
[ "$pid" = "$current" ] || exit 1
kill -s ${stopSignal} -- "-$pid" 2>/dev/null
`;
}

/** A word for the shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
