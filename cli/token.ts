import { userInfo } from "node:os";

import type { Command } from "commander";

import { permissionLevels, type PermissionLevel } from "../runtime/kernel/token.ts";
import {
  longestMinted,
  mintServiceToken,
  mintUserToken,
  NoSigningKey,
} from "../runtime/core/minting.ts";
import { serviceTokenLifetime } from "../runtime/core/serviceToken.ts";
import { withCoreDatabase } from "./coreDatabase.ts";
import { HiveError } from "./hiveError.ts";
import { openOutput, type Output } from "./output.ts";
import { findTrial, type Trial } from "./trial.ts";

export interface TokenOptions {
  readonly user?: string;
  readonly level?: string;
  readonly groups?: string;
  readonly ttl?: string;
  /** `calling:target`. */
  readonly service?: string;
}

/** The group that gives a level (contract 1.4). */
const groupOf: Readonly<Record<PermissionLevel, string>> = {
  admin: "admins",
  technician: "technicians",
  billing: "billing",
  client: "client",
};

export function addToken(program: Command): void {
  withTokenOptions(
    program
      .command("token")
      .description("print a token for tests: an admin's, good for 24 h; noted in the audit trail"),
  )
    .option("--service <calling:target>", "a service's token instead, good for 5 min at most")
    .action(async (options: TokenOptions & { stack: string }) => {
      await printToken(findTrial(options.stack), options);
    });
}

/** What `hive token` and `hive curl` have in common. */
export function withTokenOptions(command: Command): Command {
  return command
    .option("--user <name>", "whose token; default hive")
    .option("--level <level>", `one of ${permissionLevels.join(", ")}; default admin`)
    .option("--groups <names>", "separated by commas; default the group of the level")
    .option("--ttl <span>", "30s, 15m, 2h; at most 24h")
    .option("-s, --stack <name>", "the stack", "dev");
}

/** Prints the token and nothing else. @throws HiveError */
export async function printToken(
  trial: Trial,
  options: TokenOptions,
  output: Output = openOutput(),
): Promise<void> {
  output.line(await makeToken(trial, options));
}

/**
 * Needs core's database, not a running core.
 * @throws HiveError also where minting is forbidden
 */
export async function makeToken(trial: Trial, options: TokenOptions): Promise<string> {
  const { service } = options;
  const names = service === undefined ? undefined : parseService(service);
  const longest = names === undefined ? longestMinted : serviceTokenLifetime;
  const lifetime = options.ttl === undefined ? longest : parseTtl(options.ttl, longest);
  const user = parseUser(options);
  return withCoreDatabase(trial, async ({ client, encryptionKey: secret, minting }) => {
    if (minting === "forbidden") {
      throw new HiveError(`Stack ${trial.stack} forbids tokens that are made by hand.`);
    }
    const mint = { client, secret, actor: currentUser(), now: Date.now() };
    try {
      return names === undefined
        ? await mintUserToken({ user, lifetime }, mint)
        : await mintServiceToken({ ...names, lifetime }, mint);
    } catch (fault) {
      if (!(fault instanceof NoSigningKey)) throw fault;
      throw new HiveError("Core has no signing key yet: `npx hive status` tells more.");
    }
  });
}

/** Who sits at the machine, also behind sudo; for the audit trail. */
export function currentUser(): string {
  return `hive: ${process.env["SUDO_USER"] ?? userInfo().username}`;
}

function parseUser({ user: name = "hive", level = "admin", groups }: TokenOptions) {
  const permission_level = permissionLevels.find((known) => known === level);
  if (permission_level === undefined) {
    throw new HiveError(`--level needs one of ${permissionLevels.join(", ")}.`, 2);
  }
  if (!/^[\w.@+-]{1,100}$/.test(name)) {
    throw new HiveError("--user needs a name of letters, digits and . _ @ + -.", 2);
  }
  return {
    sub: `hive:${name}`,
    name,
    email: name.includes("@") ? name : `${name}@hivematrix.local`,
    preferred_username: name,
    permission_level,
    groups: groups?.split(",").filter((group) => group !== "") ?? [groupOf[permission_level]],
  };
}

const serviceNames = /^([a-z0-9_-]{1,50}):([a-z0-9_-]{1,50})$/;

function parseService(text: string): { calling: string; target: string } {
  const [, calling, target] = serviceNames.exec(text) ?? [];
  if (calling !== undefined && target !== undefined) return { calling, target };
  throw new HiveError("--service needs who calls and who is called: codex:ledger.", 2);
}

const units = { s: 1, m: 60, h: 3600 } as const;

function parseTtl(text: string, longest: number): number {
  const [, amount, unit] = /^(\d{1,5})([smh])$/.exec(text) ?? [];
  const seconds = Number(amount) * units[unit as keyof typeof units];
  if (seconds >= 1 && seconds <= longest) return seconds;
  throw new HiveError(`--ttl needs a span from 1s to ${longest}s such as 30s, 15m or 2h.`, 2);
}
