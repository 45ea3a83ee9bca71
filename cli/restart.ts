import type { Command } from "commander";

import { control, type ControlOptions } from "./control.ts";

export function addRestart(program: Command): void {
  program
    .command("restart")
    .description("restart services (all without a name); waits until they are ready")
    .argument("[service...]")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--timeout <seconds>", "how long they get", "180")
    .option("--json", "print JSON")
    .action((services: string[], options: ControlOptions) => control("restart", services, options));
}
