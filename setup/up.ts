import { type Ports, ports } from "../ports.js";
import { configuredPortBase, readRecord, writeRecord } from "../cli/record.js";
import { postgresAccess } from "../cli/postgresAccess.ts";
import type { Arguments } from "./arguments.js";
import { answersTcp } from "../cli/probe.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type Answers, choosePhases, excludeArguments } from "./phases.ts";
import type { Pulumi } from "./pulumiCommand.ts";
import { localServers, type Servers } from "./servers.ts";
import { SetupError } from "./setupError.ts";
import type { Stack } from "./stack.ts";
import { describeOutputs, describeRealOutputs, parseOutputs, probeAddresses } from "./summary.ts";
import type { Terminal } from "./terminal.js";

/** What a command works with: the trial, or a real host. */
export interface Trial {
  readonly checkout: string;
  readonly args: Arguments;
  readonly pulumi: Pulumi;
  readonly stack: Stack;
  readonly terminal: Terminal;
  /** Whether it is somebody's real host: nothing is done unasked. */
  readonly real?: boolean;
  /** How its servers are reached; default: they are on this machine. */
  readonly openServers?: () => Promise<Servers>;
}

/**
 * Provisions the trial or a real host, or repairs it: looks at what is really there, in an order in
 * which every server that is asked already answers.
 */
export async function up(trial: Trial): Promise<void> {
  const { args, pulumi, stack, terminal, real = false } = trial;
  const checkpoint = await stack.ensure();
  await stack.forgetPending(checkpoint);
  stack.noteDatabases(checkpoint);

  const provisioned = checkpoint.resources.length > 0;
  const chosen = chooseArguments(args, provisioned, process.stdin.isTTY, real);
  const known = [...checkpoint.resources, ...stack.halfMade()];
  const ask = (servers: Servers): Promise<Answers> => askServers(servers, checkpoint);
  const answers = await withServers(trial, ask);
  refuseWithoutServer(checkpoint, answers);
  const phases = choosePhases(known, answers);
  for (const [index, phase] of phases.entries()) {
    if (phases.length > 1) terminal.line(`${index + 1} of ${phases.length}: ${phase.name}`);
    if (stack.halfMade().length > 0) {
      await withServers(trial, async (servers) =>
        stack.clearHalfMade(servers.ports, await ask(servers)),
      );
    }
    await pulumi.run("up", [...chosen, ...excludeArguments(phase), ...args.passed]);
  }
  stack.noteDatabases((await stack.read()) ?? checkpoint);
  await report(trial);
}

/**
 * The plan was shown already: the trial asks nothing unless the user wants to be asked. A real host
 * is changed only after its preview was confirmed, or with --yes.
 */
export function chooseArguments(
  { yes }: Pick<Arguments, "yes">,
  provisioned: boolean,
  terminal: boolean,
  real = false,
): string[] {
  const unasked = !real && (yes !== false || !terminal) ? ["--yes", "--skip-preview"] : [];
  return [...unasked, ...(provisioned ? ["--refresh", "--run-program"] : [])];
}

function trialPorts({ checkout, args }: Trial): Ports {
  const base =
    configuredPortBase(checkout, args.stack) ?? readRecord(checkout, args.stack)?.portBase;
  return ports(base);
}

/** Open only meanwhile: the providers use the same ports. */
async function withServers<T>(trial: Trial, work: (servers: Servers) => Promise<T>): Promise<T> {
  const { openServers = () => Promise.resolve(localServers(trialPorts(trial))) } = trial;
  const servers = await openServers();
  try {
    return await work(servers);
  } finally {
    servers.close();
  }
}

/** An external PostgreSQL is asked where it is. */
async function askServers(servers: Servers, { resources }: Checkpoint): Promise<Answers> {
  const answers = await servers.answers();
  const access = postgresAccess(resources);
  if (access?.ssl === undefined) return answers;
  return { ...answers, postgres: await answersTcp(access.port, access.host) };
}

/** One of our own is started by `up`. @throws SetupError when one that is not ours is away */
function refuseWithoutServer({ resources }: Checkpoint, { postgres }: Answers): void {
  const access = postgresAccess(resources);
  if (postgres || access?.ssl === undefined) return;
  throw new SetupError(
    `PostgreSQL at ${access.host}:${access.port} does not answer: start it, then run the same command again.`,
  );
}

/** Ends with what a person needs next; the one-time password is shown by the first up only. */
async function report({ checkout, args, pulumi, terminal, real }: Trial): Promise<void> {
  const announce = readRecord(checkout, args.stack)?.announced !== true;
  const secrets = announce ? ["--show-secrets"] : [];
  const outputs = parseOutputs(await pulumi.read("stack output", ["--json", ...secrets]));
  const answering = await probeAddresses(outputs);
  const lines =
    real === true
      ? describeRealOutputs(outputs, answering, { announce, terminal, stack: args.stack })
      : describeOutputs(outputs, answering, { announce, terminal });
  for (const line of lines) terminal.line(line);
  if (announce) writeRecord(checkout, args.stack, { announced: true });
}
