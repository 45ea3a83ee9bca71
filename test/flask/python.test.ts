import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ensureFlask } from "../support/flask.ts";

/** A machine without Debian's python3-venv, or without Python. */
describe("Python for the Flask service", () => {
  let folder: string;
  let saved: NodeJS.ProcessEnv;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hivematrix-python-"));
    saved = { ...process.env };
    process.env["PATH"] = folder;
    process.env["HIVEMATRIX_CACHE"] = join(folder, "cache");
  });

  afterEach(() => {
    process.env = saved;
    rmSync(folder, { recursive: true });
  });

  const failure = (): Promise<Error> =>
    ensureFlask("python3").then(
      () => expect.fail("it did not fail"),
      (fault: unknown) => fault as Error,
    );

  const advice = "sudo apt-get install --no-install-recommends python3-venv";

  it("names the package that brings venv, and leaves nothing half-made", async () => {
    const script = `#!/bin/sh
[ "$1" = --version ] && echo "Python 3.11.2" && exit
echo "The virtual environment was not created successfully because ensurepip is not available."
exit 1
`;
    writeFileSync(join(folder, "python3"), script, { mode: 0o755 });
    expect((await failure()).message).to.equal(
      `The Flask service of the tests needs Python's venv: ${advice}`,
    );
    expect(readdirSync(join(folder, "cache"))).to.deep.equal([]);
  });

  it("names the package when there is no Python", async () => {
    expect((await failure()).message).to.equal(
      `The Flask service of the tests needs Python: ${advice}`,
    );
  });
});
