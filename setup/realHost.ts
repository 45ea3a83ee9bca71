import { existsSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { wayTo } from "../cli/way.ts";
import { writeRecord } from "../cli/record.js";
import { forwardBaseOf, hostSchema, type HostSettings } from "../hostConfig.ts";
import { ports } from "../ports.js";
import type { Pulumi } from "./pulumiCommand.ts";
import { localServers, type Servers } from "./servers.ts";
import { SetupError } from "./setupError.ts";

/** `pulumi config --json`: text for each key. */
const configSchema = z.record(z.string(), z.looseObject({ value: z.string().optional() }));

/** Milliseconds that a server on the host gets for an answer. */
const patience = 10_000;

/** The machine of a stack that is not the trial. */
export interface RealHost {
  /** Undefined: this machine. */
  readonly host: HostSettings | undefined;
  /** The servers as they are reached from here, outside of Pulumi. */
  readonly openServers: () => Promise<Servers>;
}

/**
 * Reads where the stack's machine is, and writes it down for `hive`.
 * @throws SetupError naming the file that is missing, or the key at fault
 */
export async function findRealHost(
  checkout: string,
  stack: string,
  pulumi: Pulumi,
): Promise<RealHost> {
  const file = `Pulumi.${stack}.yaml`;
  if (!existsSync(join(checkout, file))) {
    throw new SetupError(
      `Stack ${stack} has no ${file}: \`cp docs/Pulumi.prod.yaml ${file}\`, fill it in, then this command again.`,
    );
  }
  const config = configSchema.parse(JSON.parse(await pulumi.read("config", ["--json"])));
  const text = config["hivematrix:host"]?.value;
  const parsed = text === undefined ? undefined : hostSchema.safeParse(JSON.parse(text));
  if (parsed?.success === false) {
    throw new SetupError(`${file}, hivematrix:host:\n${z.prettifyError(parsed.error)}`);
  }
  const host = parsed?.data;
  const base = config["hivematrix:portBase"]?.value;
  const there = ports(base === undefined ? undefined : Number(base));
  writeRecord(checkout, stack, { host, root: "/var/lib/hivematrix" });
  return {
    host,
    openServers: () =>
      host === undefined
        ? Promise.resolve(localServers(there))
        : remoteServers(host, there, forwardBaseOf(stack, host)),
  };
}

/** Asked by SSH, through the same ports that the providers will use; they are free again at the end. */
async function remoteServers(
  host: HostSettings,
  there: { readonly postgres: number; readonly keycloak: number },
  base: number,
): Promise<Servers> {
  const { transport, close } = await wayTo(host, [
    { localPort: base, host: "127.0.0.1", port: there.postgres },
    { localPort: base + 1, host: "127.0.0.1", port: there.keycloak },
  ]);
  const near = { postgres: base, keycloak: base + 1 };
  const local = localServers(near);
  const postgres = async (): Promise<boolean> => {
    // The port here is always open: whether somebody listens there, only the host knows.
    const signal = AbortSignal.timeout(patience);
    return await transport.connect("127.0.0.1", there.postgres, signal).then(
      (channel) => {
        channel.destroy();
        return true;
      },
      () => false,
    );
  };
  return {
    ports: near,
    answers: async () => {
      // A host that cannot be reached is a fault of its own, with its own advice.
      await transport.run(["true"]);
      const [first, { keycloak }] = await Promise.all([postgres(), local.answers()]);
      return { postgres: first, keycloak };
    },
    close,
  };
}
