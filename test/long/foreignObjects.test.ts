import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { ask, configure, createDatabaseTrial, secretOf } from "../support/databaseTrial.ts";
import type { Trial } from "../support/trial.ts";

describe("what somebody made by hand in PostgreSQL", function () {
  this.timeout(600_000);
  let trial: Trial;
  let password: string;

  before(async () => {
    trial = await createDatabaseTrial();
    const { code, text } = await trial.run("up", "--beside");
    expect(code, text).to.equal(0);
    password = secretOf(await trial.resources("--show-secrets"), "postgres-password");
    await askServer("CREATE ROLE codex LOGIN PASSWORD 'by hand'");
    await askServer("CREATE ROLE bob; CREATE ROLE ann");
    await askServer(
      "CREATE DATABASE ledger OWNER bob TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    );
    await askServer("CREATE TABLE precious AS SELECT 42 AS id", "ledger");
    await askServer(
      "CREATE DATABASE beacon OWNER ann TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
  });

  after(() => trial.remove());

  const askServer = (text: string, database = "postgres") =>
    ask({ port: trial.portBase + 5, user: "postgres", password, database }, text);

  const apps: string[] = [];

  /** Registers one more service that has a database. */
  async function register(name: string): Promise<void> {
    const path = join(trial.directory, "apps_registry.json");
    const registry = JSON.parse(await readFile(path, "utf8")) as { apps: Record<string, unknown> };
    registry.apps[name] = {
      description: "A service.",
      source: { directory: "x", command: ["/bin/true"] },
      port: 15_000 + Object.keys(registry.apps).length,
      dependencies: [],
      database: name,
    };
    await writeFile(path, JSON.stringify(registry));
    const config = join(trial.directory, "Pulumi.dev.yaml");
    const text = await readFile(config, "utf8");
    await writeFile(config, text.replace(/ {2}hivematrix:apps.*\n/, ""));
    apps.push(name);
    await configure(trial, `hivematrix:apps: [${apps.join(", ")}]`);
  }

  async function refused(): Promise<string> {
    const { code, text } = await trial.run("up");
    expect(code, text).not.to.equal(0);
    return text;
  }

  /** The command in the message, as the user runs it. */
  async function adopt(text: string): Promise<void> {
    const [, line = ""] = /`pulumi (import [^`]+)`/.exec(text) ?? [];
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare ?? "",
    );
    const { code, text: said } = await trial.pulumi(...words, "--yes");
    expect(code, said).to.equal(0);
  }

  it("a role: named once with the command that adopts it; adopted, it is as the program says", async () => {
    await register("codex");
    const text = await refused();
    expect(text).to.match(
      /The role codex is there already, made by somebody else; nothing was done: to adopt it, `pulumi import /,
    );
    expect(await askServer("SELECT 1 FROM pg_database WHERE datname = 'codex'")).to.deep.equal([]);
    await adopt(text);
    const { code, text: said } = await trial.run("up");
    expect(code, said).to.equal(0);
    const made = secretOf(await trial.resources("--show-secrets"), "codex-db-password");
    const to = { port: trial.portBase + 5, user: "codex", password: made, database: "codex" };
    expect(await ask(to, "SELECT current_user::text AS acts")).to.deep.equal([
      { acts: "codex_owner" },
    ]);
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it("a database of somebody else: adopted with what it holds, by the command that is printed", async () => {
    await register("ledger");
    const text = await refused();
    expect(text).to.include(
      "The database ledger is there already and belongs to bob; nothing was done",
    );
    const [owner] = await askServer(
      "SELECT pg_get_userbyid(datdba)::text AS it FROM pg_database WHERE datname = 'ledger'",
    );
    expect(owner).to.deep.equal({ it: "bob" });
    await adopt(text);
    const { code, text: said } = await trial.run("up");
    expect(code, said).to.equal(0);
    expect(await askServer("SELECT id FROM precious", "ledger")).to.deep.equal([{ id: 42 }]);
    const [now] = await askServer(
      "SELECT pg_get_userbyid(datdba)::text AS it FROM pg_database WHERE datname = 'ledger'",
    );
    expect(now).to.deep.equal({ it: "ledger_owner" });
  });

  it("a database in another encoding: left as it is, with what to do", async () => {
    await register("beacon");
    expect(await refused()).to.match(
      /The database beacon is there already, in LATIN1 with C and not in UTF8 with C\.UTF-8, which cannot be changed in place; nothing was done: dump it/,
    );
    const [row] = await askServer(
      "SELECT pg_encoding_to_char(encoding) AS it FROM pg_database WHERE datname = 'beacon'",
    );
    expect(row).to.deep.equal({ it: "LATIN1" });
  });
});
