import type { TimerInputs } from "../resources/timer.ts";
import { environmentFile } from "./environmentFile.ts";
import { type UnitText, validated } from "./files.ts";
import { commandLine, sandbox, word } from "./sandbox.ts";
import { credentialPath, environmentPath, heading, oneLine } from "./unitFile.ts";

/** The texts of `<name>.timer` and of the service it starts. They hold no secret. */
export interface TimerTexts {
  readonly timer: string;
  readonly unit: string;
}

export function timerTexts(wanted: TimerInputs): TimerTexts {
  const { name, command, user, cwd, schedule, randomDelay, timeout, credentials = {} } = wanted;
  const description = oneLine(wanted.description ?? name);
  return {
    timer: `${heading}[Unit]
Description=${description}

[Timer]
OnCalendar=${oneLine(schedule)}
AccuracySec=1s
RandomizedDelaySec=${randomDelay}
Persistent=yes
Unit=${name}.service

[Install]
WantedBy=timers.target
`,
    unit: `${heading}[Unit]
Description=${description}
Wants=network-online.target
After=network-online.target

[Service]
${[
  "Type=oneshot",
  `User=${user}`,
  `WorkingDirectory=${cwd.replaceAll("%", "%%")}`,
  `EnvironmentFile=${environmentPath(name).replaceAll("%", "%%")}`,
  ...Object.keys(credentials)
    .toSorted()
    .map((key) => `LoadCredential=${key}:${word(credentialPath(name, key))}`),
  `ExecStart=${commandLine(command)}`,
  `TimeoutStartSec=${timeout}`,
  `MemoryMax=${wanted.memoryMax}`,
  `TasksMax=${wanted.tasksMax}`,
  ...sandbox(wanted),
].join("\n")}
`,
  };
}

/** The timer last: what it starts is there by then. Secrets are only in those of mode 0600. */
export function timerFiles(wanted: TimerInputs): UnitText[] {
  const { name, env, credentials = {} } = wanted;
  const { timer, unit } = timerTexts(wanted);
  return [
    {
      path: environmentPath(name),
      content: environmentFile({ LANG: "C.UTF-8", ...env }),
      mode: "0600",
    },
    ...Object.entries(credentials).map(([key, content]) => ({
      path: credentialPath(name, key),
      content,
      mode: "0600",
    })),
    { ...validated(`${name}.service`), content: unit, mode: "0644" },
    { ...validated(`${name}.timer`), content: timer, mode: "0644" },
  ];
}
