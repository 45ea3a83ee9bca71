import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { Output } from "../../cli/output.ts";
import { writeRecord } from "../../cli/record.js";
import { findTrial, type Trial } from "../../cli/trial.ts";
import { TestPlatform } from "../runtime/core/testCore.ts";

/** A trial whose core has a real database and may run. */
export class CoreTrial {
  readonly trial: Trial;
  readonly platform: TestPlatform;

  private constructor(trial: Trial, platform: TestPlatform) {
    this.trial = trial;
    this.platform = platform;
    this.write({});
  }

  static async start(): Promise<CoreTrial> {
    const folder = mkdtempSync(join(tmpdir(), "hive-core-"));
    writeRecord(folder, "dev", { root: join(folder, "data") });
    const platform = await TestPlatform.start();
    return new CoreTrial(findTrial("dev", folder), platform);
  }

  /** Changes core's environment as its supervisor has it. */
  write(changes: Readonly<Record<string, string>>): void {
    const folder = join(this.trial.root, "services", "core", "env");
    mkdirSync(folder, { recursive: true });
    for (const [name, value] of Object.entries({ ...this.platform.env(), ...changes })) {
      writeFileSync(join(folder, name), String(value), { mode: 0o600 });
    }
  }

  async close(): Promise<void> {
    await this.platform.close();
    rmSync(this.trial.checkout, { recursive: true });
  }
}

export function record(): Output & { readonly lines: string[] } {
  const lines: string[] = [];
  const same = (text: string): string => text;
  return {
    lines,
    line: (text) => lines.push(text),
    rewrite: () => undefined,
    green: same,
    red: same,
    yellow: same,
    blue: same,
    dim: same,
  };
}

export async function failure(work: Promise<unknown>): Promise<Error & { exitCode?: number }> {
  return await work.then(
    () => expect.fail("it did not fail"),
    (fault: unknown) => fault as Error,
  );
}
