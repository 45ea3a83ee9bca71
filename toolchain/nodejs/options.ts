import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb.js";

/** What `runtime.options` of Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml says. */
export interface RuntimeOptions {
  /** Run through ts-node, as Pulumi does unless told otherwise. */
  typescript: boolean;
  /** Arguments for node itself, before the program. */
  nodeargs: string[];
}

/** Splits like a shell would: blanks separate, quotes and backslashes keep together. */
export function splitArguments(text: string): string[] {
  const words: string[] = [];
  const word = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs;
  for (const [match] of text.matchAll(word)) {
    words.push(
      match.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single, double, escaped) =>
        typeof single === "string"
          ? single
          : typeof double === "string"
            ? double.replace(/\\(["\\$`])/g, "$1")
            : String(escaped),
      ),
    );
  }
  return words;
}

function readOption(name: string, value: unknown, options: RuntimeOptions): void {
  if (name === "typescript" && typeof value === "boolean") options.typescript = value;
  else if (name === "nodeargs" && typeof value === "string")
    options.nodeargs = splitArguments(value);
  else if (name === "packagemanager" && value === "npm") return;
  else {
    throw new Error(
      `runtime option ${name}: ${JSON.stringify(value)} is not supported by the language host of ` +
        "toolchain/ (it knows typescript, nodeargs and packagemanager: npm)",
    );
  }
}

/** Reads the runtime options. Throws on an option it does not know, instead of ignoring it. */
export function readOptions(info: ProgramInfo | undefined): RuntimeOptions {
  const options: RuntimeOptions = { typescript: true, nodeargs: [] };
  for (const [name, value] of Object.entries(info?.getOptions()?.toJavaScript() ?? {})) {
    readOption(name, value, options);
  }
  return options;
}
