import { installedPackages } from "./checkpoint.ts";
import { confirm, describePackages, destroy, keepsData } from "./down.ts";
import type { Trial } from "./up.ts";

/**
 * Removes what `up` made on a real host; data stays unless the stack says otherwise. The stack itself
 * stays too: it is its owner's.
 * @throws SetupError when nobody confirmed
 */
export async function downRealHost(real: Trial): Promise<void> {
  const { args, stack, terminal } = real;
  const checkpoint = await stack.read();
  if (checkpoint === undefined || checkpoint.resources.length === 0) {
    terminal.line("Nothing is provisioned.");
    return;
  }
  const kept = keepsData(checkpoint);
  const what = kept
    ? "This removes the platform; its data stays"
    : "This removes platform and data";
  await confirm(args.stack, args.yes, what);
  await destroy(real, checkpoint);
  const packages = installedPackages(checkpoint);
  for (const line of describeLeftOnHost(args.stack, kept, packages)) terminal.line(line);
}

/** What `down` leaves on a real host, each with the command that removes it. */
export function describeLeftOnHost(
  stack: string,
  kept: boolean,
  packages: readonly string[],
): string[] {
  const lines = [
    ...(kept
      ? [
          "Data: rm -rf /var/lib/hivematrix, and its owner: userdel hive-postgres",
          `  with the state that knows its passwords, .hive/${stack}.kept.json; the next up goes on with it`,
        ]
      : []),
    ...describePackages(packages),
  ];
  return lines.length === 0
    ? []
    : ["What stays on the host, and how to remove it:", ...lines.map((line) => `  ${line}`)];
}
