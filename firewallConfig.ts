import { z } from "zod";

import type { Connection } from "./hostConfig.ts";
import { openPorts } from "./openPorts.ts";
import type { Ports } from "./ports.js";

/** Keys of Pulumi.<stack>.yaml about the firewall of a real host; the trial has none. */
export const firewallSettings = {
  firewall: z
    .enum(["nft", "none"])
    .default("nft")
    .describe("A real host's firewall. none: another tool's, such as ufw. Default nft."),
  sshPort: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe(
      "Port of sshd, where a router translates the one the host is reached by, or on this machine. Default: that one, or 22.",
    ),
};

type Settings = z.output<z.ZodObject<typeof firewallSettings>>;

/** What FirewallRules lets in. */
export interface Firewall {
  readonly sshPorts: readonly number[];
  readonly open: readonly number[];
}

/** One on a real host; none where another tool is chosen. */
export function firewallsOf(
  { firewall, sshPort }: Settings,
  connection: Connection,
  ports: Ports,
): Firewall[] {
  if (firewall === "none") return [];
  const reached = connection.transport === "ssh" ? connection.port : (sshPort ?? 22);
  return [{ sshPorts: [...new Set([reached, sshPort ?? reached])], open: openPorts(ports) }];
}
