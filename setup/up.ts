import { type Ports, ports } from "../ports.js";
import { answersHttp, answersTcp } from "../cli/probe.ts";
import { configuredPortBase, readRecord, writeRecord } from "../cli/record.js";
import type { Arguments } from "./arguments.js";
import { type Answers, choosePhases, excludeArguments } from "./phases.ts";
import type { Pulumi } from "./pulumiCommand.ts";
import type { Stack } from "./stack.ts";
import { describeOutputs, parseOutputs, probeAddresses } from "./summary.ts";
import type { Terminal } from "./terminal.js";

export interface Trial {
  readonly checkout: string;
  readonly args: Arguments;
  readonly pulumi: Pulumi;
  readonly stack: Stack;
  readonly terminal: Terminal;
}

/**
 * Provisions the trial, or repairs it: looks at what is really there, in an order in which every
 * server that is asked already answers.
 */
export async function up(trial: Trial): Promise<void> {
  const { args, pulumi, stack, terminal } = trial;
  const checkpoint = await stack.ensure();
  await stack.forgetPending(checkpoint);

  const chosen = chooseArguments(args, checkpoint.resources.length > 0, process.stdin.isTTY);
  const known = [...checkpoint.resources, ...stack.halfMade()];
  const phases = choosePhases(known, await askServers(trial));
  for (const [index, phase] of phases.entries()) {
    if (phases.length > 1) terminal.line(`${index + 1} of ${phases.length}: ${phase.name}`);
    if (stack.halfMade().length > 0) {
      await stack.clearHalfMade(trialPorts(trial), await askServers(trial));
    }
    await pulumi.run("up", [...chosen, ...excludeArguments(phase), ...args.passed]);
  }
  await report(trial);
}

/** The plan was shown already: the trial asks nothing unless the user wants to be asked. */
export function chooseArguments(
  { yes }: Pick<Arguments, "yes">,
  provisioned: boolean,
  terminal: boolean,
): string[] {
  const unasked = yes !== false || !terminal ? ["--yes", "--skip-preview"] : [];
  return [...unasked, ...(provisioned ? ["--refresh", "--run-program"] : [])];
}

function trialPorts({ checkout, args }: Trial): Ports {
  const base =
    configuredPortBase(checkout, args.stack) ?? readRecord(checkout, args.stack)?.portBase;
  return ports(base);
}

async function askServers(trial: Trial): Promise<Answers> {
  const { postgres, keycloak } = trialPorts(trial);
  // A realm that is in no cache makes Keycloak ask its database, which may be lost.
  const realm = `http://127.0.0.1:${keycloak}/realms/none`;
  const [first, second] = await Promise.all([answersTcp(postgres), answersHttp(realm, 404)]);
  return { postgres: first, keycloak: second };
}

/** Ends with what a person needs next; the one-time password is shown by the first up only. */
async function report({ checkout, args, pulumi, terminal }: Trial): Promise<void> {
  const announce = readRecord(checkout, args.stack)?.announced !== true;
  const secrets = announce ? ["--show-secrets"] : [];
  const outputs = parseOutputs(await pulumi.read("stack output", ["--json", ...secrets]));
  const answering = await probeAddresses(outputs);
  for (const line of describeOutputs(outputs, answering, { announce, terminal })) {
    terminal.line(line);
  }
  if (announce) writeRecord(checkout, args.stack, { announced: true });
}
