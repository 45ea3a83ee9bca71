import { appendFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { KeycloakAdmin } from "../support/keycloak.ts";
import { createTrial, type Trial } from "../support/trial.ts";

describe("data that is marked to stay", function () {
  this.timeout(900_000);
  let trial: Trial;

  before(async () => {
    trial = await createTrial();
    await appendFile(join(trial.directory, "Pulumi.dev.yaml"), '  "hivematrix:keepData": "true"\n');
  });

  after(() => trial.remove());

  it("outlives down, and the next up goes on with it", async () => {
    const first = await trial.run("up", "--beside");
    expect(first.code, first.text).to.equal(0);
    const before = await administrator(trial);

    const down = await trial.run("down", "--yes");
    expect(down.code, down.text).to.equal(0);
    expect(await trial.processes()).to.deep.equal([]);
    await stat(join(trial.root, "postgres", "data", "PG_VERSION"));

    const second = await trial.run("up", "--beside");
    expect(second.code, second.text).to.equal(0);
    expect(await administrator(trial)).to.equal(before);
    const preview = await trial.run("preview", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });
});

async function administrator(trial: Trial): Promise<string> {
  const admin = await KeycloakAdmin.of(trial);
  const [user] = await admin.get<{ id: string }[]>("/hivematrix/users?username=admin");
  return user?.id ?? "none";
}
