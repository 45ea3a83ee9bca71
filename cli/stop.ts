import type { Command } from "commander";

import { control, type ControlOptions } from "./control.ts";

export function addStop(program: Command): void {
  program
    .command("stop")
    .description(
      "stop services (all without a name); they stay stopped until start or `npm run up`",
    )
    .argument("[service...]")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--timeout <seconds>", "how long they get", "60")
    .option("--json", "print JSON")
    .action((services: string[], options: ControlOptions) => control("stop", services, options));
}
