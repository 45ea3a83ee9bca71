import type { Command } from "commander";

import { rotateSigningKey } from "../runtime/core/keyRotation.ts";
import { withCoreDatabase } from "./coreDatabase.ts";
import { openOutput, type Output } from "./output.ts";
import { rotateDatabase } from "./rotateDatabase.ts";
import { currentUser } from "./token.ts";
import { findTrial, type Trial } from "./trial.ts";

export interface RotateOptions {
  readonly now?: boolean;
}

export function addRotate(program: Command): void {
  const command = program
    .command("rotate")
    .description("replace what secrets are made of, with nothing lost");
  command
    .command("database")
    .description(
      "a new password for a database: its service moves to a second login with the next up",
    )
    .argument("<name>", "the database, or its service")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print JSON")
    .action((name: string, { stack, json }: { stack: string; json?: boolean }) => {
      rotateDatabase(findTrial(stack), name, { json: json === true });
    });
  command
    .command("signing-key")
    .description(
      "a new key for tokens: published now, signing in some minutes, noted in the audit trail",
    )
    .option(
      "--now",
      "sign with it at once; services may refuse tokens until they fetch the keys again",
    )
    .option("-s, --stack <name>", "the stack", "dev")
    .action(async (options: RotateOptions & { stack: string }) => {
      await rotate(findTrial(options.stack), options);
    });
}

/** Needs core's database, not a running core. @throws HiveError */
export async function rotate(
  trial: Trial,
  { now: atOnce = false }: RotateOptions,
  output: Output = openOutput(),
): Promise<void> {
  const { kid, signsFrom, begun } = await withCoreDatabase(trial, ({ client, encryptionKey }) =>
    rotateSigningKey({
      client,
      secret: encryptionKey,
      actor: currentUser(),
      now: Date.now(),
      atOnce,
    }),
  );
  const when = atOnce ? "signs from now on" : `signs from ${signsFrom.toISOString()}`;
  const before = begun ? " It was published before." : "";
  output.line(`The key ${kid} ${when}; the former one stays published for its tokens.${before}`);
}
