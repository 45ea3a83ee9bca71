import { Fault } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { TimerInputs } from "../resources/timer.ts";
import { removeUnit, surplusSecrets } from "./apply.ts";
import { show, systemctl } from "./control.ts";
import { writeFiles } from "./files.ts";
import { timerFiles } from "./timerFile.ts";
import { unitPath } from "./unitFile.ts";

/**
 * Writes what differs and lets the timer wait. Every text is proved by systemd before it takes its
 * place, so that a faulty one leaves what was there. A run that is under way is not disturbed.
 */
export async function applyTimer(context: Context, wanted: TimerInputs): Promise<void> {
  const { transport } = context;
  const { name } = wanted;
  const [timer, service] = [`${name}.timer`, `${name}.service`];
  if ((await transport.account(wanted.user)) === undefined) {
    throw new Fault(`There is no user ${wanted.user}; declare a User for it.`);
  }
  await proveSchedule(context, wanted.schedule);
  const files = timerFiles(wanted);
  const [ofTimer, ofService, others] = await Promise.all([
    show(context, timer),
    show(context, service),
    surplusSecrets(context, name),
  ]);
  const kept = new Set(files.map(({ path }) => path));
  const surplus = [
    ...ofTimer.dropIns,
    ...ofService.dropIns,
    ...others.filter((path) => !kept.has(path)),
  ];
  const rewritten = await writeFiles(context, files, surplus);
  const { running, enabled, current } = await show(context, timer);
  if (!current) await systemctl(context, "daemon-reload");
  if (!enabled) await systemctl(context, "reenable", "--", timer);
  if (rewritten || !running) await systemctl(context, "restart", "--", timer);
}

/** systemd-analyze's verify only warns of a time that never comes. */
async function proveSchedule({ transport, signal }: Context, schedule: string): Promise<void> {
  const argv = ["systemd-analyze", "calendar", "--", schedule];
  const { code, stdout, stderr } = await transport.run(argv, { signal });
  if (code === 0 && !/Next elapse: never/.test(stdout)) return;
  const [said = "it never comes"] = stderr.trim().split("\n");
  throw new Fault(
    `The schedule "${schedule}" is none (${said === "" ? "it never comes" : said}); see systemd.time(7).`,
  );
}

/** Takes timer and service away; a run that is under way is ended. */
export async function removeTimer(context: Context, name: string): Promise<void> {
  const { transport } = context;
  const timer = `${name}.timer`;
  await transport.run(["systemctl", "--no-ask-password", "disable", "--now", "--", timer]);
  await transport.remove(unitPath(timer));
  await transport.removeTree(`${unitPath(timer)}.d`);
  await removeUnit(context, name);
  // When it ran last, for the runs it makes up for (systemd.timer(5)).
  await transport.remove(`/var/lib/systemd/timers/stamp-${timer}`);
}
