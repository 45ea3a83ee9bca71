import language from "@pulumi/pulumi/proto/language_pb.js";

import { type Child, startChild } from "./children.ts";
import { readOptions } from "./options.ts";
import { resolveEntryPoint } from "./program.ts";

function readEnvironment(entries: string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/**
 * Starts a policy pack or a plugin that is given as source, with the `node` of PATH. The engine
 * reads the port from its stdout, hence the pipes.
 */
export function startPlugin(request: language.RunPluginRequest): Child {
  if (request.getAttachDebugger()) {
    throw new Error("--attach-debugger is not supported by the language host of toolchain/");
  }
  const directory = request.getInfo()?.getProgramDirectory() ?? "";
  const options = readOptions(request.getInfo());
  const isPolicy = request.getKind() === "analyzer";
  const entry = resolveEntryPoint(directory, isPolicy ? "run-policy-pack" : "run-plugin");
  const args = isPolicy
    ? [...request.getArgsList(), directory]
    : [directory, ...request.getArgsList()];
  return startChild("node", [...options.nodeargs, entry, ...args], {
    cwd: isPolicy ? directory : request.getPwd(),
    env: {
      ...readEnvironment(request.getEnvList()),
      // A pack always goes through ts-node; its loader is the SDK's.
      PULUMI_NODEJS_TYPESCRIPT: String(isPolicy || options.typescript),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Passes on what the process prints, then its exit code. */
export async function streamPlugin(
  child: Child,
  write: (response: language.RunPluginResponse) => void,
): Promise<void> {
  child.process.stdout?.on("data", (data: Uint8Array) => {
    write(new language.RunPluginResponse().setStdout(data));
  });
  child.process.stderr?.on("data", (data: Uint8Array) => {
    write(new language.RunPluginResponse().setStderr(data));
  });
  const { code } = await child.ended;
  write(new language.RunPluginResponse().setExitcode(code ?? 1));
}
