import type { Command } from "commander";

import { control, type ControlOptions } from "./control.ts";

export function addStart(program: Command): void {
  program
    .command("start")
    .description(
      "start services (all without a name) and the supervisor; waits until they are ready",
    )
    .argument("[service...]")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--timeout <seconds>", "how long they get", "180")
    .option("--json", "print JSON")
    .action((services: string[], options: ControlOptions) => control("start", services, options));
}
