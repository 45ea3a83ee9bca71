import { spawn } from "node:child_process";

import type { Log } from "./log.ts";

export interface Notifier {
  /** Says that the start is done, and from then on, in time, that the event loop turns. */
  ready(): void;
  stop(): void;
}

/**
 * Tells systemd what it asks for (sd_notify(3), sd_watchdog_enabled(3)): a process that hangs is
 * started anew. Node has no datagram sockets of the file system, hence systemd's own command. Does
 * nothing where nobody asks.
 */
export function createNotifier(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  send: (words: string[], failed: (fault: Error) => void) => void = sendBySystemd,
): Notifier {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  let timer: NodeJS.Timeout | undefined;
  let told = false;
  const say = (...words: string[]): void => {
    send(words, (fault) => {
      if (!told) log.warn({ err: fault }, "systemd cannot be told anything");
      told = true;
    });
  };
  return {
    ready: () => {
      if (NOTIFY_SOCKET === undefined) return;
      say("--ready");
      const asked = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
      const interval = Number(WATCHDOG_USEC) / 1000 / 3;
      if (!asked || !(interval > 0)) return;
      timer = setInterval(() => {
        say("WATCHDOG=1");
      }, interval);
      timer.unref();
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}

function sendBySystemd(words: string[], failed: (fault: Error) => void): void {
  const child = spawn("systemd-notify", words, { stdio: "ignore" });
  child.once("error", failed);
  child.once("exit", (code) => {
    if (code !== 0) failed(new Error(`systemd-notify ended with ${String(code)}`));
  });
}
