import { readFileSync } from "node:fs";

import { startHost, type TestHost } from "../support/container.ts";
import { docker } from "../support/containerImage.ts";
import { HostPlugin } from "../support/hostPlugin.ts";

/** A Debian host, the plugin that reaches it by ssh as `deploy`, and Node on it. */
export interface DebianHost {
  readonly host: TestHost;
  readonly plugin: HostPlugin;
  /** What another plugin is configured with to reach it. */
  readonly configuration: Record<string, unknown>;
  /** As root, with a shell. @throws Error with what it printed. */
  sh(script: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startDebianHost(
  suite: "bookworm" | "trixie" = "bookworm",
): Promise<DebianHost> {
  const host = await startHost(suite);
  await docker(["cp", process.execPath, `${host.name}:/usr/local/bin/node`]);
  const configuration = {
    transport: "ssh",
    address: host.address,
    user: "deploy",
    privateKey: readFileSync(host.keyPath, "utf8"),
    hostKey: host.hostKey,
  };
  const plugin = await HostPlugin.start({}, configuration);
  return {
    host,
    plugin,
    configuration,
    async sh(script) {
      const { code, stdout, stderr } = await host.exec(["sh", "-c", script]);
      if (code !== 0) throw new Error(`${script}: exit code ${String(code)}\n${stdout}${stderr}`);
      return stdout.trim();
    },
    async stop() {
      await plugin.stop();
      await host.stop();
    },
  };
}
