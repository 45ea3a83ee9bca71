import { setTimeout as later } from "node:timers/promises";

import { expect } from "chai";

import { createLog } from "../../../runtime/kernel/log.ts";
import { createNotifier } from "../../../runtime/kernel/notifier.ts";

const log = createLog("test", "error");

describe("createNotifier", () => {
  async function said(
    env: Readonly<Record<string, string>>,
    enough = 1,
  ): Promise<readonly string[]> {
    const words: string[] = [];
    const notifier = createNotifier(env, log, (given) => words.push(...given));
    notifier.ready();
    const deadline = Date.now() + 2000;
    while (words.length < enough && Date.now() < deadline) await later(1);
    notifier.stop();
    return words;
  }

  it("says that the start is done, then in time that it lives", async () => {
    const env = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "9000" };
    expect((await said(env, 3)).slice(0, 3)).to.deep.equal(["--ready", "WATCHDOG=1", "WATCHDOG=1"]);
    const own = { ...env, WATCHDOG_PID: String(process.pid) };
    expect(await said(own, 2)).to.include("WATCHDOG=1");
  });

  it("says nothing where nobody asks", async () => {
    expect(await said({ WATCHDOG_USEC: "3000" }, 0)).to.deep.equal([]);
    expect(await said({ NOTIFY_SOCKET: "@n" })).to.deep.equal(["--ready"]);
    const other = { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "3000", WATCHDOG_PID: "1" };
    expect(await said(other)).to.deep.equal(["--ready"]);
  });
});
