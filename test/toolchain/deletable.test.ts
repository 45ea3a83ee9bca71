import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { createTrial, type Trial } from "../support/trial.ts";

const run = promisify(execFile);

describe("a checkout without toolchain/", function () {
  this.timeout(300_000);
  let copy: Trial;

  before(async () => {
    copy = await createTrial();
    await rm(join(copy.directory, ".hive"), { recursive: true });
    for (const folder of ["toolchain", "test/toolchain"]) {
      await rm(join(copy.directory, folder), { recursive: true });
    }
  });

  after(() => copy.remove());

  for (const [what, tool, ...args] of [
    ["types", "tsc", "-p", "."],
    ["lint", "eslint", ".", "--max-warnings", "0"],
    ["unit tests", "mocha", "test/**/*.test.ts"],
  ] as const) {
    it(`has green ${what}`, async () => {
      await run(process.execPath, [join(copy.directory, "node_modules/.bin", tool), ...args], {
        cwd: copy.directory,
      }).catch((fault: unknown) => {
        const { stdout, stderr } = fault as { stdout: string; stderr: string };
        throw new Error(`${stdout}${stderr}`);
      });
    });
  }
});
