import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import language from "@pulumi/pulumi/proto/language_pb.js";

import { type Child, startChild } from "./children.ts";
import { readOptions } from "./options.ts";

/** Exit code of a program that has already shown its error: nothing is to be added. */
const errorWasShown = 32;

/** Path of one of the SDK's entry points, as seen by the program in `directory`. */
export function resolveEntryPoint(directory: string, name: string): string {
  try {
    return createRequire(join(directory, "package.json")).resolve(`@pulumi/pulumi/cmd/${name}`);
  } catch {
    const hint = existsSync(join(directory, "node_modules")) ? "" : "; run npm ci there first";
    throw new Error(`@pulumi/pulumi is not installed for ${directory}${hint}`);
  }
}

function buildEnvironment(request: language.RunRequest, typescript: boolean): NodeJS.ProcessEnv {
  const config = Object.fromEntries(request.getConfigMap().toArray());
  return {
    ...process.env,
    // The environment, not the arguments: these may hold secrets, and `ps` shows arguments.
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: String(typescript),
  };
}

function buildArguments(request: language.RunRequest, engine: string): string[] {
  const info = request.getInfo();
  const flags = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory() ?? "",
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: request.getParallel() > 0 ? String(request.getParallel()) : "",
  };
  return [
    ...Object.entries(flags).flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() ?? request.getProgram(),
    ...request.getArgsList(),
  ];
}

/** Starts the Pulumi program of a request with the `node` of PATH. */
export function startProgram(request: language.RunRequest, engine: string): Child {
  if (request.getAttachDebugger()) {
    throw new Error("--attach-debugger is not supported by the language host of toolchain/");
  }
  const directory = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
  const options = readOptions(request.getInfo());
  const run = resolveEntryPoint(directory, "run");
  return startChild("node", [...options.nodeargs, run, ...buildArguments(request, engine)], {
    cwd: request.getPwd(),
    env: buildEnvironment(request, options.typescript),
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** The answer for a program that has ended. */
export async function awaitProgram(child: Child): Promise<language.RunResponse> {
  const { code, signal } = await child.ended;
  const response = new language.RunResponse();
  if (code === errorWasShown) return response.setBail(true);
  if (signal) return response.setError(`the program was ended by ${signal}`);
  return code === 0
    ? response
    : response.setError(`the program ended with exit code ${code ?? "?"}`);
}
