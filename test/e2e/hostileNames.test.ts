import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import pg from "pg";

import { renderConf, renderFlaskenv } from "../../components/serviceFiles.ts";
import { ask, createDatabaseTrial } from "../support/databaseTrial.ts";
import { ensureFlask } from "../support/flask.ts";
import { hostile } from "../support/hostile.ts";
import type { Trial } from "../support/trial.ts";

const run = promisify(execFile);

/** The plugin that stands in where no other can be had doubles a backslash (toolchain/README.md). */
const throughPlugin = hostile.password.replaceAll("\\", "|");

/** A server whose one database has that name, and whose roles all have that password. */
const map = (text: string) =>
  text
    .replaceAll("config.databases", "names")
    .replace("const config", `const names = [${JSON.stringify(hostile.name)}];\nconst config`)
    .replace("`${database}-db`", '"odd-db"')
    .replace(
      /rotation: config.*\n\s+\}\)/,
      `}, { transforms: [({ type, props, opts }) =>
        type === "postgresql:index/role:Role" && "password" in props
          ? { props: { ...props, password: ${JSON.stringify(throughPlugin)} }, opts }
          : undefined] })`,
    );

describe("hostile names and passwords pass unharmed through", function () {
  this.timeout(600_000);
  this.slow(60_000);
  const { name, password } = hostile;
  let trial: Trial;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hivematrix-hostile-"));
    trial = await createDatabaseTrial();
    const path = join(trial.directory, "index.ts");
    await writeFile(path, map(await readFile(path, "utf8")));
    const { code, text } = await trial.run("up", "--beside");
    expect(code, text).to.equal(0);
  });

  after(async () => {
    await trial.remove();
    await rm(folder, { recursive: true });
  });

  it("@pulumi/postgresql, pg_hba.conf, psql and pg", async () => {
    const to = { port: trial.portBase + 5, user: name, database: name, password: throughPlugin };
    const [row] = await ask(
      to,
      "SELECT current_database()::text AS database, session_user::text AS login, current_user::text AS acts",
    );
    expect(row).to.deep.equal({ database: name, login: name, acts: `${name}_owner` });
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it(".flaskenv, as python-dotenv reads it", async () => {
    const path = join(folder, ".flaskenv");
    await writeFile(path, renderFlaskenv({ NAME: name, PASSWORD: password, LAST: "x" }));
    const program = `
import json, os, sys
from dotenv import dotenv_values, load_dotenv
load_dotenv(sys.argv[1])
print(json.dumps([dict(dotenv_values(sys.argv[1])), os.environ["PASSWORD"]]))`;
    const { stdout } = await run(await ensureFlask(), ["-c", program, path]);
    expect(JSON.parse(stdout)).to.deep.equal([
      { NAME: name, PASSWORD: password, LAST: "x" },
      password,
    ]);
  });

  it("instance/<name>.conf, as configparser and a URL parser read it", async () => {
    const path = join(folder, "odd.conf");
    const database = { DB_HOST: "127.0.0.1", DB_PORT: "5433", DB_NAME: name, DB_USER: name };
    await writeFile(path, renderConf({ ...database, DB_PASSWORD: password }));
    const program = `
import configparser, json, sys
from urllib.parse import unquote, urlsplit
parser = configparser.RawConfigParser()
parser.read(sys.argv[1], encoding="utf8")
section = parser["database"]
url = urlsplit(section["connection_string"])
print(json.dumps([section["db_name"], section["db_user"], unquote(url.username), unquote(url.password), unquote(url.path[1:])]))`;
    const { stdout } = await run(await ensureFlask(), ["-c", program, path]);
    expect(JSON.parse(stdout)).to.deep.equal([name, name, name, password, name]);
    const [, address = ""] = /^connection_string = (.*)$/m.exec(await readFile(path, "utf8")) ?? [];
    const client = new pg.Client({ connectionString: address });
    // Of the path it decodes some letters only; our own services are not given an address.
    expect([client.user, client.password]).to.deep.equal([name, password]);
  });
});
