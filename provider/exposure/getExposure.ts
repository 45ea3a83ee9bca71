import { z } from "zod";

import { Fault } from "../fault.ts";
import { type Context, succeeded } from "../resource.ts";
import type { Shape } from "../schema.ts";
import { complaint, type Declared, type Exposure, exposures } from "./exposure.ts";
import { type Probe, probe } from "./probe.ts";
import { parseNetworks, printTables } from "./sockets.ts";

export const arguments_ = {
  ports: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        port: z.int().min(1).max(65_535),
        open: z.boolean().default(false),
      }),
    )
    .min(1)
    .describe("What is declared to listen; `open` when it is meant for everybody."),
} satisfies Shape;

export interface Arguments {
  readonly ports: readonly Declared[];
}

export interface Answer {
  readonly ports: readonly Exposure[];
  readonly probe: Probe;
}

/** Where every declared port listens and is reached. Changes nothing. */
export async function lookAtExposure(
  { transport, signal }: Pick<Context, "transport" | "signal">,
  { ports }: Arguments,
): Promise<Answer> {
  const [tables, probed] = await Promise.all([
    transport.run(["sh", "-c", printTables], { signal }),
    probe(transport, [...new Set(ports.map(({ port }) => port))], signal),
  ]);
  const networks = parseNetworks(succeeded(tables, "Reading the listening sockets"));
  const reached = "reached" in probed ? probed.reached : [];
  return { ports: exposures(ports, networks, reached), probe: probed };
}

/** @throws Fault naming every service that is reached from outside and is not meant to be. */
export async function getExposure(context: Context, args: Arguments): Promise<Answer> {
  context.progress("looking who is reached from outside");
  const answer = await lookAtExposure(context, args);
  const exposed = answer.ports.filter(({ state }) => state === "exposed");
  if (exposed.length > 0) {
    throw new Fault(`${exposed.map(complaint).join("\n")}\nThen run up again.`);
  }
  return answer;
}
