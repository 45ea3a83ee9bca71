import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Trial } from "./trial.ts";

describe("a trial of the tests", () => {
  it("takes a service that runs beside its data with it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hivematrix-"));
    const beside = join(folder, "flasky");
    await mkdir(beside);
    const service = spawn("sleep", ["60"], { cwd: beside });
    const ended = once(service, "exit");
    try {
      await once(service, "spawn");
      const trial = new Trial(folder);
      expect(await trial.processes()).to.deep.equal([service.pid]);
      await trial.remove();
      expect(await ended).to.deep.equal([null, "SIGKILL"]);
      expect(existsSync(folder)).to.equal(false);
    } finally {
      service.kill("SIGKILL");
    }
  });
});
