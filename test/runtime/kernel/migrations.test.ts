import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect } from "chai";

import { migrate } from "../../../runtime/kernel/migrations.ts";
import { createDatabase, type TestDatabase } from "../../support/postgres.ts";

describe("migrate", () => {
  let database: TestDatabase;
  let folder: string;
  let url: URL;

  const write = (name: string, sql: string): void => {
    writeFileSync(join(folder, name), sql);
  };

  beforeEach(async () => {
    database = await createDatabase();
    folder = mkdtempSync(join(tmpdir(), "hivematrix-migrations-"));
    url = pathToFileURL(`${folder}/`);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("applies what is missing, in the order of the names, once", async () => {
    write("002_b.sql", "ALTER TABLE a ADD COLUMN b int");
    write("001_a.sql", "CREATE TABLE a (id int)");
    write("README.md", "not SQL");
    expect(await migrate(database.pool, url)).to.deep.equal(["001_a.sql", "002_b.sql"]);
    expect(await migrate(database.pool, url)).to.deep.equal([]);
    write("003_c.sql", "INSERT INTO a VALUES (1, 2); INSERT INTO a VALUES (3, 4)");
    expect(await migrate(database.pool, url)).to.deep.equal(["003_c.sql"]);
    const { rows } = await database.pool.query("SELECT id, b FROM a ORDER BY id");
    expect(rows).to.deep.equal([
      { id: 1, b: 2 },
      { id: 3, b: 4 },
    ]);
  });

  it("leaves nothing of a migration that fails, keeps those before it, and can be repeated", async () => {
    write("001_a.sql", "CREATE TABLE a (id int)");
    write("002_b.sql", "CREATE TABLE b (id int); SELECT nonsense");
    const fault = await migrate(database.pool, url).catch((error: unknown) => error);
    expect((fault as Error).message).to.equal("Migration 002_b.sql failed");
    write("002_b.sql", "CREATE TABLE b (id int)");
    expect(await migrate(database.pool, url)).to.deep.equal(["002_b.sql"]);
  });

  it("lets one of several processes migrate", async () => {
    write("001_a.sql", "SELECT pg_sleep(0.1); CREATE TABLE a (id int)");
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.pool, url)));
    expect(applied.flat()).to.deep.equal(["001_a.sql"]);
  });
});
