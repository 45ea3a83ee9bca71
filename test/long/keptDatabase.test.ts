import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { ask, secretOf } from "../support/databaseTrial.ts";
import { sharedPlatform } from "../support/platform.ts";
import type { Trial } from "../support/trial.ts";

describe("the data of a service", function () {
  this.timeout(600_000);
  let trial: Trial;
  let config: string;
  let text: string;

  before(async () => {
    ({ trial } = await sharedPlatform());
    config = join(trial.directory, "Pulumi.dev.yaml");
    text = await readFile(config, "utf8");
  });

  after(async () => {
    await writeFile(config, text);
    const { code, text: said } = await trial.run("up");
    expect(code, said).to.equal(0);
  });

  async function askServer(query: string, database = "postgres"): Promise<unknown[]> {
    const password = secretOf(await trial.resources("--show-secrets"), "postgres-password");
    return ask({ port: trial.portBase + 5, user: "postgres", database, password }, query);
  }

  const flasky = "SELECT datname FROM pg_database WHERE datname = 'flasky'";
  const roles = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'flasky%'";

  async function run(verb: string, ...args: string[]): Promise<string> {
    const { code, text: said } = await trial.run(verb, ...args);
    expect(code, said).to.equal(0);
    return said;
  }

  it("is not purged while the service is installed", async () => {
    const { code, text: said } = await trial.hive("app", "purge", "flasky", "--yes");
    expect(code).to.equal(2);
    expect(said.trim()).to.match(
      /^flasky is installed: take it out of hivematrix:apps .* again\.$/,
    );
    expect(await askServer(flasky)).to.have.length(1);
  });

  it("stays when the service goes, closed; a plan for it deletes nothing of it", async () => {
    await askServer("CREATE TABLE precious (id int); INSERT INTO precious VALUES (42)", "flasky");
    await writeFile(config, text.replace("[flasky]", "[]"));
    const plan = await run("preview");
    expect(plan).to.match(/- .*flasky-service/);
    expect(plan).not.to.match(/- .*flasky-db/);
    await run("up");
    expect(await askServer("SELECT id FROM precious", "flasky")).to.deep.equal([{ id: 42 }]);
    const open = await askServer(
      "SELECT rolname FROM pg_roles WHERE rolname LIKE 'flasky%' AND rolcanlogin",
    );
    expect(open).to.deep.equal([]);
    await run("preview", "--refresh", "--expect-no-changes");
  });

  it("is there again when the service comes back", async () => {
    await writeFile(config, text);
    await run("up");
    expect(await askServer("SELECT id FROM precious", "flasky")).to.deep.equal([{ id: 42 }]);
    await writeFile(config, text.replace("[flasky]", "[]"));
    await run("up");
  });

  it("is not purged without a yes, which names what goes", async () => {
    const { code, text: said } = await trial.hive("app", "purge", "flasky");
    expect(code).to.equal(2);
    expect(said).to.match(
      /This drops for ever the database flasky \(\d+ kB, \d+ tables\) and its roles flasky, flasky_second, flasky_owner: confirm with --yes\./,
    );
    expect(await askServer("SELECT id FROM precious", "flasky")).to.deep.equal([{ id: 42 }]);
  });

  it("is purged for ever with one, and the next up has nothing to do", async () => {
    const { code, text: said } = await trial.hive("app", "purge", "flasky", "--yes");
    expect(code, said).to.equal(0);
    expect(await askServer(flasky)).to.deep.equal([]);
    expect(await askServer(roles)).to.deep.equal([]);
    await run("preview", "--refresh", "--expect-no-changes");
    const again = await trial.hive("app", "purge", "flasky", "--yes");
    expect(again.code).to.equal(2);
    expect(again.text).to.include("No data of a service flasky is kept here.");
  });
});
