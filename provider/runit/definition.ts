import { createHash } from "node:crypto";

import { Fault } from "../fault.ts";
import type { Context } from "../resource.ts";
import type { ServiceInputs } from "../resources/service.ts";
import type { Account } from "../transport/transport.ts";

/** What is run and how; the user's account is that of the process. */
export interface Definition {
  /** Directory of the definition. */
  readonly state: string;
  /** User of the supervisor; the files are his. */
  readonly owner: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly account: Account;
  /** Whether the supervisor is root and has to become the user first. */
  readonly become: boolean;
  readonly cwd: string;
  readonly restartOn: readonly string[];
  readonly stopSignal: string;
  /** Seconds. */
  readonly stopTimeout: number;
  /** Whether the program writes its pid to READY_FILE when it is ready. */
  readonly handover: boolean;
}

/** @throws Fault when the user cannot be the process's. */
export async function definitionOf(
  { transport }: Context,
  wanted: ServiceInputs,
): Promise<Definition> {
  const owner = (await transport.stat(wanted.directory))?.owner ?? transport.user;
  const user = wanted.user ?? owner;
  if (user !== owner && owner !== "root") {
    throw new Fault(
      `The supervisor of ${wanted.directory} runs as ${owner} and cannot start ${wanted.name} as ${user}; leave "user" out.`,
    );
  }
  const account = await transport.account(user);
  if (account === undefined) throw new Fault(`There is no user ${user}; declare a User for it.`);
  const { state, command, cwd = state, restartOn = [], stopSignal, stopTimeout } = wanted;
  const { handover } = wanted;
  const env = handover ? { ...wanted.env, READY_FILE: proofFile(state) } : wanted.env;
  const become = user !== owner;
  return {
    state,
    owner,
    command,
    env,
    account,
    become,
    cwd,
    restartOn,
    stopSignal,
    stopTimeout,
    handover,
  };
}

/** Names the definition a process was started with: another one means that it must be restarted. */
export function digestOf(definition: Definition): string {
  const { command, env, account, become, cwd, restartOn } = definition;
  const variables = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [command, variables, account.name, become, cwd, restartOn];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The same as a process of its own beside the supervised one, with a directory of its own. */
export function candidateOf(definition: Definition): Definition {
  const state = candidateState(definition.state);
  return { ...definition, state, env: { ...definition.env, READY_FILE: proofFile(state) } };
}

/** Where the candidate of a service lies. */
export function candidateState(state: string): string {
  return `${state}/candidate`;
}

/** READY_FILE; its folder is the process's own. */
export function proofFile(state: string): string {
  return `${state}/proof/pid`;
}
