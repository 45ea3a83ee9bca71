// `npm run up|preview|down` after the npm packages are there: Node 24, called by main.js.
import { dirname } from "node:path";

import type { Backend } from "../cli/backend.ts";
import { parallel } from "../cli/env.ts";
import { type Arguments, parseArguments } from "./arguments.js";
import { down } from "./down.ts";
import { downRealHost } from "./downRealHost.ts";
import { Pulumi } from "./pulumiCommand.ts";
import { findRealHost } from "./realHost.ts";
import { SetupError } from "./setupError.ts";
import { Stack } from "./stack.ts";
import { copyConfig, removeSalt } from "./stackConfig.ts";
import { openState } from "./state.ts";
import { openTerminal } from "./terminal.js";
import { prepareTools } from "./tools.ts";
import { trialStack } from "./trialFolder.js";
import { type Trial, up } from "./up.ts";

const checkout = dirname(import.meta.dirname);
const terminal = openTerminal();

try {
  await main();
} catch (fault) {
  const { message, exitCode = 1 } = fault as Error & { exitCode?: number };
  process.stderr.write(`${terminal.red(message)}\n`);
  process.exitCode = exitCode;
}

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2), process.env);
  const tools = await prepareTools(checkout);
  // Our own children are found on this PATH too.
  Object.assign(process.env, tools.env);
  terminal.line(terminal.dim(tools.description));

  const isTrial = args.stack === trialStack;
  const backend = openState(checkout, args.stack, isTrial);
  const pulumi = new Pulumi({
    checkout,
    stack: args.stack,
    env: isTrial ? backend.env : { ...parallel, ...backend.env },
    terminal,
    configFile: isTrial ? () => copyConfig(checkout, args.stack) : undefined,
  });
  if (!isTrial) {
    await manageRealHost(args, backend, pulumi);
    return;
  }

  const stack = new Stack({ checkout, name: args.stack, backend, pulumi, terminal });
  const trial: Trial = { checkout, args, pulumi, stack, terminal };
  try {
    await stack.release();
    if (args.verb === "down") await down(trial);
    else if (args.verb === "preview") {
      stack.noteDatabases(await stack.ensure());
      await pulumi.run("preview", args.passed);
    } else await up(trial);
  } finally {
    removeSalt(checkout, args.stack);
  }
}

/** A stack of somebody's own: where it is, its file says; a preview needs neither host nor servers. */
async function manageRealHost(args: Arguments, backend: Backend, pulumi: Pulumi): Promise<void> {
  if (args.verb === "preview") {
    await pulumi.run("preview", args.passed);
    return;
  }
  const stack = new Stack({ checkout, name: args.stack, backend, pulumi, terminal, real: true });
  await stack.ensure();
  const { openServers } = await findRealHost(checkout, args.stack, pulumi);
  const real: Trial = { checkout, args, pulumi, stack, terminal, real: true, openServers };
  try {
    await (args.verb === "down" ? downRealHost(real) : up(real));
  } catch (fault) {
    throw withCommand(fault, args.stack);
  }
}

/** A host that is not known yet: how to make it known, once it was compared. */
function withCommand(fault: unknown, stack: string): unknown {
  const key = fault instanceof Error ? /^hostKey: (.+)$/m.exec(fault.message)?.[1] : undefined;
  if (key === undefined) return fault;
  const command = `pulumi config set --path hivematrix:host.hostKey '${key}' --stack ${stack}`;
  return new SetupError(`${(fault as Error).message}\nunder hivematrix:host, or run\n${command}`);
}
