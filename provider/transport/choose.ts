import { Fault } from "../fault.ts";
import type { Forward } from "./forwards.ts";
import { LocalTransport } from "./local.ts";
import type { Transport } from "./transport.ts";

type Values = Readonly<Record<string, unknown>>;

/** What stays open until the end. */
export interface Reach {
  readonly transport: Transport;
  readonly close: () => void;
}

/**
 * The way to the machine that a checked, wholly known configuration names. Nothing is connected, but
 * its forwards listen. @throws Fault when one of their ports is taken.
 */
export async function reach(values: Values, warn: (message: string) => void): Promise<Reach> {
  if (values["transport"] !== "ssh") {
    return { transport: new LocalTransport(), close: () => undefined };
  }
  const [{ SshTransport }, { Forwards }] = await Promise.all([
    import("./ssh.ts"),
    import("./forwards.ts"),
  ]);
  const { address, port = 22, user = "root", privateKey, passphrase, agent, hostKey } = values;
  const socket = process.env["SSH_AUTH_SOCK"];
  if (agent === true && socket === undefined) {
    throw new Fault("There is no ssh agent (SSH_AUTH_SOCK is not set); start one and run ssh-add.");
  }
  const transport = new SshTransport({
    address: text(address) ?? "",
    port: Number(port),
    user: text(user) ?? "root",
    privateKey: text(privateKey),
    passphrase: text(passphrase),
    agent: agent === true ? socket : undefined,
    hostKey: text(hostKey),
    sudo: values["sudo"] !== false && user !== "root",
  });
  const target = `${String(user)}@${String(address)}:${String(port)}`;
  const forwards = new Forwards(transport, target, warn);
  await forwards.open((values["forwards"] ?? []) as Forward[]);
  return {
    transport,
    close: () => {
      forwards.close();
      transport.close();
    },
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
