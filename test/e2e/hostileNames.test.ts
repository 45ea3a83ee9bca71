import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import pg from "pg";

import { jdbcUrl } from "../../components/keycloakServer.ts";
import { renderConf, renderFlaskenv } from "../../components/serviceFiles.ts";
import { ask, createDatabaseTrial } from "../support/databaseTrial.ts";
import { ensureFlask } from "../support/flask.ts";
import { hostile } from "../support/hostile.ts";
import { sharedPlatform } from "../support/platform.ts";
import { createDatabase } from "../support/postgres.ts";
import type { Trial } from "../support/trial.ts";

const run = promisify(execFile);

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
          ? { props: { ...props, password: ${JSON.stringify(hostile.password)} }, opts }
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
    const to = { port: trial.portBase + 5, user: name, database: name, password };
    const [row] = await ask(
      to,
      "SELECT current_database()::text AS database, session_user::text AS login, current_user::text AS acts",
    );
    expect(row).to.deep.equal({ database: name, login: name, acts: `${name}_owner` });
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it("JDBC, as Keycloak uses it", async () => {
    const { trial: platform } = await sharedPlatform();
    const database = await createDatabase({ name, password });
    const keycloak = join(platform.root, "keycloak");
    const { stdout: found } = await run("sh", ["-c", `ls -d ${keycloak}/*/bin/kc.sh`]);
    const environment = {
      DB_HOST: database.host,
      DB_PORT: String(database.port),
      DB_NAME: database.database,
      DB_USER: database.user,
      DB_PASSWORD: "elsewhere",
    };
    const become =
      process.getuid?.() === 0
        ? ["setpriv", "--reuid=hive", "--regid=hive", "--init-groups", "--"]
        : [];
    const [command = "", ...args] = [
      ...become,
      found.trim(),
      ...["bootstrap-admin", "service", "--optimized", "--no-prompt"],
      ...["--client-id=test", "--client-secret:env=TEST_SECRET"],
    ];
    await run(command, args, {
      cwd: keycloak,
      maxBuffer: 1e8,
      env: {
        PATH: process.env["PATH"],
        KC_DB_URL: jdbcUrl(environment as never),
        KC_DB_USERNAME: database.user,
        KC_DB_PASSWORD: password,
        KC_CACHE: "local",
        TEST_SECRET: "0123456789abcdef",
        JAVA_OPTS_APPEND: `-Djava.io.tmpdir=${keycloak}`,
      },
    });
    const { rows } = await database.pool.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM client WHERE client_id = 'test'",
    );
    expect(rows).to.deep.equal([{ n: 1 }]);
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
    expect([client.user, client.password, client.database]).to.deep.equal([name, password, name]);
  });
});
