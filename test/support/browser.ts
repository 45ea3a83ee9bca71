import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";

/** Debian's package `chromium`. */
const executable = "/usr/bin/chromium";

/** False on machines without Chromium, where tests that need it skip themselves. */
export const hasBrowser = existsSync(executable);

const folders: string[] = [];
let browser: ReturnType<typeof launch> | undefined;

/** Starts what Chromium would do on its own account neither on the network nor on the screen. */
async function launch() {
  // Of its own, and empty: neither extensions nor policies of whoever runs the tests.
  const home = mkdtempSync(join(tmpdir(), "hivematrix-browser-"));
  folders.push(home);
  return chromium.launch({
    executablePath: executable,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--no-first-run",
    ],
  });
}

/**
 * A fresh window, without cookies or storage, of the one browser of this process. It trusts any
 * certificate. Whoever opens it closes it.
 */
export async function openContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  browser ??= launch();
  return (await browser).newContext({ ignoreHTTPSErrors: true, ...options });
}

after(async () => {
  await (await browser)?.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
