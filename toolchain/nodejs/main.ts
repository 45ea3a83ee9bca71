// The language host: what the Pulumi CLI starts to run programs, policy packs and source plugins
// for Node.js. It stands in for the official one (../README.md: what it lacks, when it goes).
import { fstatSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";

module.enableCompileCache(join(import.meta.dirname, "../../node_modules/.cache/toolchain"));

const { serve } = await import("./server.ts");
const { stopChildren } = await import("./children.ts");

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await stopChildren();
  process.exit(0);
}

process.on("SIGINT", () => void end());
process.on("SIGTERM", () => void end());
// The CLI keeps our stdin open as long as it lives: its end means that nobody is left to serve,
// also when the CLI was killed.
if (fstatSync(0).isFIFO()) {
  process.stdin.on("end", () => void end()).on("error", () => void end());
  process.stdin.resume();
}

const engine = process.argv.at(-1) ?? "";
console.log(await serve(engine));
