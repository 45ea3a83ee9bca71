import type { UnitInputs } from "../resources/unit.ts";
import { commandLine, sandbox, word } from "./sandbox.ts";

/** First line of every file of ours; one without it is somebody else's. */
export const heading = "# Written by HiveMatrix; changes are found and undone.\n";

/** Folder of the files that hold secrets; 0700, root's. */
export const secretsFolder = "/etc/hivematrix/units";

/** Where systemd looks for units of the administrator. */
export function unitPath(unit: string): string {
  return `/etc/systemd/system/${unit}`;
}

export function environmentPath(name: string): string {
  return `${secretsFolder}/${name}.env`;
}

export function credentialPath(name: string, credential: string): string {
  return `${secretsFolder}/${name}.credential.${credential}`;
}

/** Where a process with handover writes its number when it is ready. */
export function readyFile(name: string): string {
  return `/run/hivematrix/${name}/pid`;
}

/** Until systemd 254 there is only a constant delay; the start limit never ends the attempts. */
const backOff = ["RestartSteps=5", "RestartMaxDelaySec=60"];

/** The text of `<name>.service`. It holds no secret. */
export function unitFile(unit: UnitInputs): string {
  const { name, command, user, cwd, watchdog, handover, credentials = {} } = unit;
  const after = ["network-online.target", ...unit.after];
  return `${heading}[Unit]
Description=${oneLine(unit.description ?? name)}
Wants=network-online.target
After=${after.join(" ")}
StartLimitIntervalSec=0

[Service]
${[
  `Type=${watchdog === undefined ? "exec" : "notify"}`,
  // What it says comes from systemd-notify, a process of its own.
  ...(watchdog === undefined
    ? []
    : [`WatchdogSec=${watchdog}`, "NotifyAccess=all", `TimeoutStartSec=${unit.readyTimeout}`]),
  `User=${user}`,
  `WorkingDirectory=${cwd.replaceAll("%", "%%")}`,
  `EnvironmentFile=${environmentPath(name).replaceAll("%", "%%")}`,
  ...Object.keys(credentials)
    .toSorted()
    .map((key) => `LoadCredential=${key}:${word(credentialPath(name, key))}`),
  ...(handover ? [`RuntimeDirectory=hivematrix/${name}`] : []),
  `ExecStart=${commandLine(command)}`,
  "ExecReload=/bin/kill -HUP $MAINPID",
  `KillSignal=SIG${unit.stopSignal}`,
  `TimeoutStopSec=${unit.stopTimeout}`,
  "Restart=always",
  "RestartSec=2",
  ...(unit.systemd >= 254 ? backOff : []),
  `MemoryMax=${unit.memoryMax}`,
  `TasksMax=${unit.tasksMax}`,
  ...sandbox(unit),
].join("\n")}

[Install]
WantedBy=multi-user.target
`;
}

/** Specifiers stay text, and a line stays one. */
export function oneLine(text: string): string {
  return text.replaceAll("%", "%%").replaceAll("\n", " ");
}
