import { execFileSync } from "node:child_process";
import { z } from "zod";

import { pulumiEnvironment } from "./env.ts";
import { HiveError } from "./hiveError.ts";
import { type PostgresAccess, postgresAccess } from "./postgresAccess.ts";

const resource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  inputs: z.record(z.string(), z.unknown()).optional(),
});

const exported = z.looseObject({
  deployment: z.looseObject({ resources: z.array(resource).default([]) }),
});

export type StackResource = z.output<typeof resource>;

/** A stack's state, read and written whole by Pulumi's own CLI; at the desk only. */
export class StackState {
  readonly #checkout: string;
  readonly #stack: string;

  constructor(checkout: string, stack: string) {
    this.#checkout = checkout;
    this.#stack = stack;
  }

  resources(): readonly StackResource[] {
    return this.#export().deployment.resources;
  }

  /** @throws HiveError before the first `up` has come so far */
  postgres(): PostgresAccess {
    const access = postgresAccess(this.#export("--show-secrets").deployment.resources);
    if (access !== undefined) return access;
    throw new HiveError(`Stack ${this.#stack} has no PostgreSQL yet: run \`npm run up\`.`);
  }

  /** Lets go of resources without touching what they stand for. @returns how many */
  forget(which: (one: StackResource) => boolean): number {
    const whole = this.#export();
    const all = whole.deployment.resources;
    const resources = all.filter((one) => !which(one));
    if (resources.length < all.length) {
      const deployment = { ...whole.deployment, resources };
      this.#pulumi(["stack", "import"], JSON.stringify({ ...whole, deployment }));
    }
    return all.length - resources.length;
  }

  #export(...flags: string[]): z.output<typeof exported> {
    return exported.parse(JSON.parse(this.#pulumi(["stack", "export", ...flags])));
  }

  #pulumi(args: readonly string[], input = ""): string {
    const env = pulumiEnvironment(this.#checkout, this.#stack);
    const all = [...args, "--stack", this.#stack, "--non-interactive"];
    try {
      return execFileSync("pulumi", all, {
        cwd: this.#checkout,
        env,
        input,
        encoding: "utf8",
        maxBuffer: 1e9,
        stdio: ["pipe", "pipe", "pipe"],
      });
    } catch (fault) {
      const said = String((fault as { stderr?: unknown }).stderr ?? fault).trim();
      throw new HiveError(`\`pulumi ${args.join(" ")}\` failed: ${said}`);
    }
  }
}
