import { findToolchain, readTools, type Tools } from "../cli/tools.ts";
import { startChild } from "./child.js";
import { SetupError } from "./setupError.ts";

/**
 * Prepares Pulumi's CLI and plugins where they are missing. Without toolchain/ the user's own
 * `pulumi` is used.
 * @throws SetupError
 */
export async function prepareTools(checkout: string): Promise<Tools> {
  const ready = readTools(checkout);
  if (ready !== undefined) return ready;
  const script = findToolchain(checkout);
  if (script === undefined) {
    throw new SetupError("There is no `pulumi` on PATH: install Pulumi 3.259 or newer.");
  }
  const code = await startChild(process.execPath, [script], { cwd: checkout }).ended;
  const tools = readTools(checkout);
  if (code !== 0 || tools === undefined) {
    throw new SetupError(
      "Pulumi's CLI and plugins could not be prepared; the reason is above. The same command goes on from here.",
    );
  }
  return tools;
}
