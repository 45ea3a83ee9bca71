import type { Failure } from "../schema.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * Whether rules that open `sshPorts` would lock out who applies them: by ssh, the very port the host is
 * reached by; here, those that sshd_config(5) names. Nothing is connected to.
 */
export async function lockout(
  sshPorts: unknown,
  transport: Transport | undefined,
): Promise<Failure[]> {
  if (transport === undefined || !Array.isArray(sshPorts) || sshPorts.length === 0) return [];
  const open = sshPorts as unknown[];
  if (open.some((port) => typeof port !== "number")) return [];
  const used = transport.port === undefined ? await configuredPorts(transport) : [transport.port];
  if (used.length === 0 || used.some((port) => open.includes(port))) return [];
  const where =
    transport.port === undefined ? "sshd of this machine listens on" : "the host is reached by";
  return [
    {
      property: "sshPorts",
      reason: `${open.join(", ")} would lock you out: ${where} ${used.join(" and ")}; add it`,
    },
  ];
}

async function configuredPorts(transport: Transport): Promise<number[]> {
  const folder = "/etc/ssh/sshd_config.d";
  try {
    const names = ((await transport.list(folder)) ?? []).filter((name) => name.endsWith(".conf"));
    const paths = ["/etc/ssh/sshd_config", ...names.map((name) => `${folder}/${name}`)];
    const texts = await Promise.all(paths.map((path) => transport.read(path)));
    return texts
      .flatMap((text) => [...(text?.toString("utf8") ?? "").matchAll(/^\s*Port\s+(\d+)/gim)])
      .map(([, number]) => Number(number));
  } catch {
    // Not ours to read: the new connection is what proves it.
    return [];
  }
}
