import type { Failure } from "../schema.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * Whether rules that open `sshPort` would lock out who applies them: by ssh, the very port the host is
 * reached by; here, those that sshd_config(5) names. Nothing is connected to.
 */
export async function lockout(
  sshPort: unknown,
  transport: Transport | undefined,
): Promise<Failure[]> {
  if (transport === undefined || typeof sshPort !== "number") return [];
  if (transport.port !== undefined) {
    return transport.port === sshPort ? [] : [failure(sshPort, `you come in by ${transport.port}`)];
  }
  const ports = await configuredPorts(transport);
  if (ports.length === 0 || ports.includes(sshPort)) return [];
  return [failure(sshPort, `sshd of this machine listens on ${ports.join(" and ")}`)];
}

function failure(sshPort: number, where: string): Failure {
  return {
    property: "sshPort",
    reason: `${sshPort} would lock you out: ${where}; set it to that port`,
  };
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
