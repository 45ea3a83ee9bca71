import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { sharedPlatform } from "../support/platform.ts";
import type { Trial } from "../support/trial.ts";

/** Changes of the program that would cost data, each in one file. */
const changes = [
  [
    "another name for the realm",
    "index.ts",
    'realm: "hivematrix"',
    'realm: "other"',
    "realm-realm",
  ],
  [
    "another database for core",
    "index.ts",
    'database("core")',
    'database("other")',
    "core-db-database",
  ],
  [
    "a database that nobody declares",
    "index.ts",
    /const logger = new Logger\([^]*?\n\}\);| logger,/g,
    "",
    "logger-db-database",
  ],
  [
    "no key for what core encrypts",
    "components/core.ts",
    'secrets: ["ENCRYPTION_KEY"]',
    "secrets: []",
    "core-encryption-key",
  ],
] as const;

describe("a plan that would cost data", function () {
  this.timeout(600_000);
  let trial: Trial;

  before(async () => {
    ({ trial } = await sharedPlatform());
  });

  for (const [title, file, found, put, resource] of changes) {
    it(`fails at preview: ${title}`, async () => {
      const path = join(trial.directory, file);
      const text = await readFile(path, "utf8");
      const changed = text.replace(found, put);
      expect(changed).not.to.equal(text);
      await writeFile(path, changed);
      try {
        const preview = await trial.run("preview");
        expect(preview.code, preview.text).not.to.equal(0);
        expect(preview.text).to.contain(resource).and.to.contain("protect");
      } finally {
        await writeFile(path, text);
      }
    });
  }

  it("is none any more when the program is as it was", async () => {
    const { code, text } = await trial.run("preview", "--expect-no-changes");
    expect(code, text).to.equal(0);
  });
});
