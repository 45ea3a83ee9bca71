import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import type { Backend } from "../cli/backend.ts";
import { postgresAccess } from "../cli/postgresAccess.ts";
import { hiveFolder, readRecord, writeRecord } from "../cli/record.js";
import {
  type Checkpoint,
  madeDatabases,
  parseDeployment,
  readCheckpoint,
  type Resource,
} from "./checkpoint.ts";
import type { Answers } from "./phases.ts";
import { type HalfMade, removeHalfMade } from "./halfMade.ts";
import { processName } from "./listeners.js";
import type { Pulumi } from "./pulumiCommand.ts";
import type { Servers } from "./servers.ts";
import { SetupError } from "./setupError.ts";
import type { Terminal } from "./terminal.js";
import { checkpointPath, stateFolder } from "./trialFolder.js";

export interface StackOptions {
  readonly checkout: string;
  readonly name: string;
  readonly backend: Backend;
  readonly pulumi: Pulumi;
  readonly terminal: Terminal;
  /** A real host's stack is made by its owner, who chooses what encrypts its secrets. */
  readonly real?: boolean;
}

interface Lock {
  readonly pid: number;
  readonly hostname: string;
  readonly timestamp: string;
}

/** The trial's stack as its state has it. */
export class Stack {
  readonly #options: StackOptions;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  /** @returns undefined when the stack was never made */
  async read(): Promise<Checkpoint | undefined> {
    const { backend, checkout, name, pulumi } = this.#options;
    if (backend.kind === "trial") return readCheckpoint(checkpointPath(checkout, name));
    const listed = JSON.parse(await pulumi.read("stack ls", ["--json"])) as { name: string }[];
    if (!listed.some((stack) => stack.name.split("/").at(-1) === name)) return undefined;
    return parseDeployment(exported(await pulumi.read("stack export")).deployment);
  }

  /**
   * Makes the stack if it is missing. Pulumi writes the salt of its secrets beside the Pulumi.yaml
   * it is run with: a copy takes it, so that the committed config stays as it is.
   */
  async ensure(): Promise<Checkpoint> {
    const found = await this.read();
    const { checkout, name, pulumi, real } = this.#options;
    if (found !== undefined) {
      return real === true && found.resources.length === 0 ? await this.#takeUpKept() : found;
    }
    if (real === true) {
      throw new SetupError(
        `There is no stack ${name} yet: \`pulumi stack init ${name} --secrets-provider passphrase\` (or awskms://…, gcpkms://…, azurekeyvault://…, hashivault://…), then this command again.`,
      );
    }
    const folder = join(hiveFolder(checkout), "init");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, "Pulumi.yaml"), "name: hivematrix\nruntime: nodejs\n");
    try {
      await pulumi.run("stack init", ["--cwd", folder]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return await this.#takeUpKept();
  }

  /** Keeps the state for data that outlives the stack: without it nobody knows its passwords. */
  async keep(): Promise<void> {
    const { checkout, name, pulumi } = this.#options;
    writeFileSync(keptPath(checkout, name), await pulumi.read("stack export"), { mode: 0o600 });
  }

  /** Goes on with the kept state: `up` finds what is missing on the host, and the data in place. */
  async #takeUpKept(): Promise<Checkpoint> {
    const { checkout, name, pulumi, terminal } = this.#options;
    const path = keptPath(checkout, name);
    if (!existsSync(path)) return { resources: [], pending: [] };
    const kept = readFileSync(path, "utf8");
    await pulumi.read("stack import", [], kept);
    rmSync(path);
    terminal.line("Data was kept: this stack goes on with it.");
    return parseDeployment(exported(kept).deployment);
  }

  /**
   * Lets go of a lock that a killed pulumi left on this machine.
   * @throws SetupError when a living one, or one on another machine, holds it
   */
  async release(): Promise<void> {
    const { backend, checkout, name, pulumi, terminal } = this.#options;
    if (backend.kind !== "trial") return;
    const locks = readLocks(lockFolder(checkout, name));
    if (locks.length === 0) return;
    for (const lock of locks) {
      const refusal = checkLock(lock);
      if (refusal !== undefined) throw new SetupError(refusal);
    }
    terminal.line("An earlier run was cut off; its lock is released.");
    await pulumi.run("cancel", ["--yes"]);
  }

  /**
   * Forgets operations that were cut off half-way: what they made is found when it is made again
   * (the host's resources adopt what is there). What Keycloak and PostgreSQL may have made is
   * remembered until it is cleared away, see `halfMade`.
   */
  async forgetPending(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.pending.length === 0) return;
    const { checkout, name, pulumi, terminal } = this.#options;
    const begun = checkpoint.pending
      .filter(({ type }) => type === "creating")
      .map(({ resource: { urn, type, inputs = {} } }) => ({ urn, type, inputs: textsOf(inputs) }))
      .filter(({ type }) => /^(keycloak|postgresql):/.test(type));
    writeRecord(checkout, name, { halfMade: [...this.halfMade(), ...begun] });
    const whole = exported(await pulumi.read("stack export"));
    const deployment = { ...whole.deployment, pending_operations: [] };
    await pulumi.read("stack import", [], JSON.stringify({ ...whole, deployment }));
    const names = checkpoint.pending.map(({ resource: { urn } }) => urn.split("::").at(-1) ?? urn);
    terminal.line(
      `An earlier run was cut off while it made ${names.join(", ")}; it is made again.`,
    );
  }

  /** Tells the program which databases there are: one whose service goes is kept. */
  noteDatabases(checkpoint: Checkpoint): void {
    const { checkout, name } = this.#options;
    const databases = madeDatabases(checkpoint);
    if (Object.keys(databases).length > 0) writeRecord(checkout, name, { databases });
  }

  /** Objects in Keycloak and PostgreSQL of which a beginning may exist. */
  halfMade(): readonly HalfMade[] {
    return readRecord(this.#options.checkout, this.#options.name)?.halfMade ?? [];
  }

  /** Clears such beginnings away where the server answers. */
  async clearHalfMade(ports: Servers["ports"], answers: Answers): Promise<void> {
    const all = this.halfMade();
    const objects = all.filter(({ type }) =>
      type.startsWith("keycloak:") ? answers.keycloak : answers.postgres,
    );
    if (objects.length === 0) return;
    const { checkout, name, pulumi } = this.#options;
    const whole = exported(await pulumi.read("stack export", ["--show-secrets"]));
    const { resources } = parseDeployment(whole.deployment);
    const postgres = postgresAccess(resources);
    if (postgres === undefined) return;
    await removeHalfMade(objects, {
      keycloak: {
        port: ports.keycloak,
        clientSecret: secretOf(resources, "keycloak-administrator-secret"),
      },
      postgres,
    });
    writeRecord(checkout, name, { halfMade: all.filter((object) => !objects.includes(object)) });
  }
}

/** Names and ids; secrets are objects here. */
function textsOf(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => typeof value === "string"),
  );
}

/** The value of a `host:index:Secret` in an export with its secrets shown; empty when it is not there. */
function secretOf(resources: readonly Resource[], name: string): string {
  const value = resources.find(({ urn }) => urn.endsWith(`::${name}`))?.outputs?.["value"];
  const { plaintext } = (value ?? {}) as { plaintext?: string };
  return plaintext === undefined ? "" : (JSON.parse(plaintext) as string);
}

function exported(text: string): { deployment: Record<string, unknown> } {
  return JSON.parse(text) as { deployment: Record<string, unknown> };
}

/** The state that belongs to kept data, its secrets encrypted. */
function keptPath(checkout: string, stack: string): string {
  return join(hiveFolder(checkout), `${stack}.kept.json`);
}

/** Where Pulumi's file backend keeps the locks of a stack. */
export function lockFolder(checkout: string, stack: string): string {
  const locks = join(stateFolder(checkout), ".pulumi", "locks");
  return join(locks, "organization", "hivematrix", stack);
}

function readLocks(folder: string): Lock[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Lock);
}

/** @returns why the lock may not be released; undefined when its holder is gone */
export function checkLock({ pid, hostname: host, timestamp }: Lock): string | undefined {
  if (host !== hostname()) {
    return `The stack is locked by pulumi (pid ${pid}) on ${host} since ${timestamp}: wait for it, or run \`eval "$(npx hive env)" && pulumi cancel\` if it is gone.`;
  }
  if (processName(pid).startsWith("pulumi")) {
    return `Another pulumi (pid ${pid}) is at work on this stack since ${timestamp}: wait for it, or end it with \`kill -INT ${pid}\`.`;
  }
  return undefined;
}
