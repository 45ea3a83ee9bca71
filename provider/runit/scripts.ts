import type { Definition } from "./definition.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** First lines of every script. */
export const heading = "#!/bin/sh\n# Written by HiveMatrix; changes are found and undone.\n";

/** Seconds a process must have lived for its end not to count as another failed start; a minute. */
const settled = "-mmin +1";

/**
 * Before a start that follows failed ones: from the sixth on, 2, 4, 8 seconds and so on, at most 30.
 * Whoever asks it to end need not wait.
 */
const backOff = `{ read -r failures rest <failures; } 2>/dev/null || failures=0
if [ "$failures" -gt 5 ]; then
  pause=2
  while [ "$failures" -gt 6 ] && [ "$pause" -lt 30 ]; do
    pause=$((pause * 2)) failures=$((failures - 1))
  done
  [ "$pause" -le 30 ] || pause=30
  sleep "$pause" &
  trap 'kill "$!"; exit 143' TERM INT QUIT
  wait "$!"
  trap - TERM INT QUIT
fi
`;

/**
 * Records the process (number, start time, boot, definition) before it becomes the program, so that
 * a later start finds what a killed runsv left running.
 */
export function runScript(definition: Definition, digest: string): string {
  const { state, command, account, become, cwd } = definition;
  const user = become ? ` -u ${quoted(account.name)}` : "";
  return `${heading}exec 2>&1
./stop
${backOff}read -r boot </proc/sys/kernel/random/boot_id
read -r stat <"/proc/$$/stat"
set -- \${stat##*) }
(umask 077 && echo "$$ \${20} $boot ${digest}" >.process.new && mv .process.new process)
export PATH=${quoted(path)} LANG=C.UTF-8
export HOME=${quoted(account.home)} USER=${quoted(account.name)} LOGNAME=${quoted(account.name)}
cd ${quoted(cwd)} || exit 1
exec chpst -P -e ${quoted(`${state}/env`)}${user} ${command.map(quoted).join(" ")}
`;
}

/** runsv runs it after an end, with exit code and signal: counts the ends that nobody asked for. */
export function finishScript(): string {
  return `${heading}./stop
case "$1 $2" in
  "0 "* | "143 "* | *" 15" | *" 2" | *" 3") rm -f failures ;;
  *)
    # Of another definition than the one that ended now they say nothing.
    { read -r pid start boot digest <process; } 2>/dev/null || digest=
    { read -r failures former <failures; } 2>/dev/null || failures=0
    [ "$former" = "$digest" ] || failures=0
    [ -z "$(find process ${settled} 2>/dev/null)" ] || failures=0
    echo "$((failures + 1)) $digest" >failures
    ;;
esac
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
