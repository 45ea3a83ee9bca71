import type { Command } from "commander";

import { restoreAdministrator } from "./administratorClient.ts";
import { openOutput } from "./output.ts";
import { findTrial } from "./trial.ts";

/** Gets into Keycloak again after somebody locked the platform out; the realm is up's to write. */
export function addReconfigure(program: Command): void {
  program
    .command("reconfigure")
    .description("make the platform's way into Keycloak anew; then `npm run up` writes the realm")
    .argument("<what>", "identity")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action(async (what: string, { stack, json }: { stack: string; json?: boolean }, command) => {
      if (what !== "identity") {
        (command as Command).error(`error: there is identity to reconfigure, not ${what}`, {
          exitCode: 2,
        });
      }
      const output = openOutput();
      const made = await restoreAdministrator(findTrial(stack), (step) => {
        if (json !== true) output.rewrite(`  ${step} …`);
      });
      if (json === true) {
        output.line(JSON.stringify({ restored: made }, null, 2));
        return;
      }
      output.line(
        made
          ? `${output.green("✓")} the administrator client was made anew`
          : `${output.green("✓")} the administrator client gets in: nothing to do`,
      );
      output.line("  Next: `npm run up` looks at every setting of the realm and puts it back.");
    });
}
