import type { Transport } from "../transport/transport.ts";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Ends with ` (deleted)` when the directory is gone. */
  readonly cwd: string;
  readonly argv: readonly string[];
}

/** One look at /proc by a shell, so that it costs one round trip on any transport. */
const script = String.raw`
for file in $(grep -lsa '^\(/.*/\)\{0,1\}runsv' /proc/[0-9]*/cmdline); do
  at=${"$"}{file%/cmdline}
  { read -r stat <"$at/stat"; } 2>/dev/null || continue
  set -- ${"$"}{stat##*) }
  printf '%s\t%s\t%s\t' "${"$"}{at#/proc/}" "$2" "$(readlink "$at/cwd")"
  tr '\0' '\t' <"$at/cmdline"
  echo
done 2>/dev/null`;

/** All that runs of runit: runsvdir and runsv. */
export async function processes(transport: Transport): Promise<Process[]> {
  const { stdout } = await transport.run(["sh", "-c", script]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [pid, parent, cwd = "", ...argv] = line.replace(/\t$/, "").split("\t");
      return { pid: Number(pid), parent: Number(parent), cwd, argv };
    });
}

/** The runsvdir of a directory. */
export function supervisorOf(all: readonly Process[], directory: string): Process | undefined {
  return all.find(
    ({ argv }) =>
      argv[0]?.endsWith("runsvdir") === true && argv[1] === "-P" && argv[2] === directory,
  );
}

/** The runsv processes of a state directory, also of one that was deleted meanwhile. */
export function monitorsOf(all: readonly Process[], state: string): Process[] {
  return all.filter(
    ({ argv, cwd }) =>
      argv[0]?.endsWith("runsv") === true && [state, `${state} (deleted)`].includes(cwd),
  );
}

/** Sends a signal; a process that is gone is no error. */
export async function send(transport: Transport, signal: string, pid: number): Promise<void> {
  await transport.run(["sh", "-c", 'kill -s "$1" "$2"', "sh", signal, String(pid)]);
}

/**
 * Makes runsvdir look for new services now instead of within 5 s. Only one that catches the signal
 * gets it (Debian's does): it would end any other.
 */
export async function hurry(transport: Transport, supervisor: Process): Promise<void> {
  const look = `caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
[ $((0x$caught >> 13 & 1)) = 1 ] && kill -s ALRM "$1"`;
  await transport.run(["sh", "-c", look, "sh", String(supervisor.pid)]);
}
