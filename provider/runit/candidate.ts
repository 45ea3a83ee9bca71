import { Fault } from "../fault.ts";
import { pause } from "../readiness.ts";
import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import type { Transport } from "../transport/transport.ts";
import { type Recorded, recorded } from "./control.ts";
import { candidateOf, candidateState, type Definition } from "./definition.ts";
import { writeFiles } from "./files.ts";
import { logEnd, whyUnproved } from "./ready.ts";
import { quoted } from "./scripts.ts";

/**
 * Starts a second process of a new definition beside the supervised one, as it would be started
 * itself, and waits until it says that it is ready. No supervisor knows of it.
 * @throws Fault with the last lines of its log when it does not; it is ended then
 */
export async function startCandidate(
  context: Context,
  wanted: ServiceInputs,
  definition: Definition,
): Promise<void> {
  const { transport, progress } = context;
  const { state } = wanted;
  const candidate = candidateOf(definition);
  await endCandidate(transport, state);
  try {
    await writeFiles(transport, candidate);
    progress("starting a candidate");
    await launch(transport, candidate, logOf(state));
    await waitProved(context, wanted, candidate);
  } catch (error) {
    await endCandidate(transport, state);
    throw error;
  }
}

/** Ends the candidate of a service, also one that an interrupted up left, and removes its files. */
export async function endCandidate(transport: Transport, state: string): Promise<void> {
  const folder = candidateState(state);
  if ((await transport.stat(folder)) === undefined) return;
  if ((await transport.stat(`${folder}/stop`)) !== undefined) {
    await transport.run(["sh", `${folder}/stop`]);
  }
  await transport.removeTree(folder);
}

/** Once it was of use; that of one that failed stays for whoever looks into it. */
export async function removeCandidateLog(transport: Transport, state: string): Promise<void> {
  await transport.remove(logOf(state));
}

function logOf(state: string): string {
  return `${state}/candidate.log`;
}

/** In a session of its own and without a pipe of ours: it outlives whoever started it. */
async function launch(transport: Transport, candidate: Definition, log: string): Promise<void> {
  const script = `cd ${quoted(candidate.state)} || exit 1
rm -f ${quoted(log)}
(umask 077 && : >${quoted(log)}) || exit 1
exec setsid --fork ./run </dev/null >>${quoted(log)} 2>&1
`;
  const { code, stderr } = await transport.run(["sh"], { stdin: script, user: candidate.owner });
  if (code !== 0) throw new Fault(`The candidate could not be started: ${stderr.trim()}`);
}

async function waitProved(
  context: Context,
  { name, state, readyTimeout }: ServiceInputs,
  candidate: Definition,
): Promise<void> {
  const deadline = Date.now() + readyTimeout * 1000;
  for (;;) {
    const started = await recorded(context, candidate.state);
    const alive = started !== undefined && (await isAlive(context.transport, started));
    const reason = await whyUnproved(context, candidate, started?.pid ?? 0);
    if (alive && reason === undefined) return;
    const ended = started !== undefined && !alive;
    if (ended || Date.now() > deadline) {
      const when = ended ? "it ended" : `not within ${readyTimeout} s; ${reason ?? "it is gone"}`;
      const log = logOf(state);
      throw new Fault(
        `${name} did not become ready (${when}). The end of ${log}:\n${await logEnd(context, log)}`,
      );
    }
    context.progress(`waiting for the candidate: ${reason ?? "a moment"}`);
    await pause(context.signal);
  }
}

/** Whether it is still the same process. The dead that nobody has waited for do not count. */
async function isAlive(transport: Transport, { pid, start, boot }: Recorded): Promise<boolean> {
  const [now, stat] = await Promise.all([
    transport.read("/proc/sys/kernel/random/boot_id"),
    transport.read(`/proc/${pid}/stat`),
  ]);
  if (now?.toString("utf8").trim() !== boot) return false;
  // The name before may hold anything (proc_pid_stat(5)).
  const [, rest = ""] = /^.*\) (.*)$/s.exec(stat?.toString("utf8") ?? "") ?? [];
  const fields = rest.split(" ");
  return fields[19] === start && !/^[ZX]$/.test(fields[0] ?? "Z");
}
