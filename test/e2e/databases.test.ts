import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { ask, secretOf } from "../support/databaseTrial.ts";
import { sharedPlatform } from "../support/platform.ts";
import type { ExportedResource, Trial } from "../support/trial.ts";

const run = promisify(execFile);

const roles = ["keycloak", "core", "logger", "flasky"];
const databases = [...roles, "postgres", "template1"];

/** SQLSTATE 28000: no line of pg_hba.conf lets this role into this database, or it may not sign in. */
const refused = "28000";

describe("databases", function () {
  this.timeout(600_000);
  let trial: Trial;
  let resources: readonly ExportedResource[];

  before(async () => {
    ({ trial } = await sharedPlatform());
    resources = await trial.resources("--show-secrets");
  });

  const port = (): number => trial.portBase + 5;

  /** @returns the code of the fault; undefined when it was let in and `text` was run */
  async function enter(
    user: string,
    password: string,
    database: string,
    text: string,
  ): Promise<string | undefined> {
    try {
      await ask({ port: port(), user, database, password }, text);
      return undefined;
    } catch (fault) {
      return (fault as { code?: string }).code ?? "";
    }
  }

  async function enterAll(user: string, password: string): Promise<Record<string, unknown>> {
    const answers = await Promise.all(
      databases.map(async (name) => [name, await enter(user, password, name, "SELECT 1")] as const),
    );
    return Object.fromEntries(answers);
  }

  function passwordOf(role: string): string {
    return secretOf(resources, `${role}-db-password`);
  }

  /** As the one who may do everything. */
  function askServer(text: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    const password = secretOf(resources, "postgres-password");
    return ask({ port: port(), user: "postgres", database, password }, text);
  }

  const closed = (own?: string): Record<string, unknown> =>
    Object.fromEntries(databases.map((name) => [name, name === own ? undefined : refused]));

  for (const role of roles) {
    it(`of others are closed to ${role}, its own is open`, async () => {
      expect(await enterAll(role, passwordOf(role))).to.deep.equal(closed(role));
    });

    it(`are closed to the owner of ${role}, and to the login whose turn it is not`, async () => {
      expect(await enterAll(`${role}_owner`, passwordOf(role))).to.deep.equal(closed());
      const second = secretOf(resources, `${role}-db-password-second`);
      expect(await enterAll(`${role}_second`, second)).to.deep.equal(closed());
    });

    it(`let ${role} neither make roles and databases nor read files and passwords`, async () => {
      for (const text of [
        "CREATE ROLE mallory",
        "CREATE DATABASE mallory",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        "SET ROLE postgres",
        ...roles.filter((other) => other !== role).map((other) => `SET ROLE ${other}_owner`),
        // How large it is says who has how much of what.
        ...databases
          .filter((other) => other !== role)
          .map((other) => `SELECT pg_database_size('${other}')`),
      ]) {
        // 42501: insufficient privilege.
        expect(await enter(role, passwordOf(role), role, text), text).to.equal("42501");
      }
    });

    it(`hide from ${role} what others ask`, async () => {
      const to = { port: port(), user: role, database: role, password: passwordOf(role) };
      const seen = await ask(
        to,
        `SELECT DISTINCT query FROM pg_stat_activity
         WHERE usename IS NOT NULL AND usename <> '${role}' AND query <> '<insufficient privilege>'`,
      );
      expect(seen).to.deep.equal([]);
    });

    it(`give what ${role} makes to its owner, and end statements that never end`, async () => {
      const to = { port: port(), user: role, database: role, password: passwordOf(role) };
      const [row] = await ask(
        to,
        "SELECT session_user::text AS login, current_user::text AS acts, current_setting('statement_timeout') AS timeout",
      );
      expect(row).to.deep.equal({ login: role, acts: `${role}_owner`, timeout: "5min" });
      const strangers = await askServer(
        `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) <> '${role}_owner'`,
        role,
      );
      expect(strangers).to.deep.equal([]);
    });
  }

  it("have a second lock behind pg_hba.conf: nobody else may connect, by the databases themselves", async () => {
    const found = await askServer(`
      SELECT r.rolname AS role, d.datname AS database
      FROM pg_roles r, pg_database d
      WHERE NOT r.rolsuper AND r.rolname NOT LIKE 'pg\\_%' AND d.datallowconn
        AND has_database_privilege(r.oid, d.oid, 'CONNECT')
        AND split_part(r.rolname, '_', 1) <> d.datname`);
    expect(found).to.deep.equal([]);
  });

  it("are closed without the right password", async () => {
    expect(await enter("core", passwordOf("logger"), "core", "SELECT 1")).to.equal("28P01");
  });

  it("come back as they should be after somebody changed owner, limits and rights by hand", async () => {
    await askServer("ALTER DATABASE logger OWNER TO postgres");
    await askServer("GRANT CONNECT ON DATABASE logger TO PUBLIC");
    await askServer("ALTER ROLE logger CONNECTION LIMIT 99; ALTER ROLE logger RESET role");
    await askServer("ALTER ROLE logger_second LOGIN");
    const preview = await trial.run("preview", "--refresh");
    for (const name of ["logger-db-database", "logger-db-role", "logger-db-role-second"]) {
      expect(preview.text, name).to.include(name);
    }
    const up = await trial.run("up");
    expect(up.code, up.text).to.equal(0);
    const [database] = await askServer(
      "SELECT pg_get_userbyid(datdba)::text AS owner, datacl::text AS rights FROM pg_database WHERE datname = 'logger'",
    );
    expect(database).to.deep.equal({
      owner: "logger_owner",
      rights: "{logger_owner=CTc/logger_owner}",
    });
    const logins = await askServer(
      "SELECT rolname AS name, rolconnlimit AS most, rolcanlogin AS may FROM pg_roles WHERE rolname IN ('logger', 'logger_second') ORDER BY 1",
    );
    expect(logins).to.deep.equal([
      { name: "logger", most: 30, may: true },
      { name: "logger_second", most: 30, may: false },
    ]);
    expect((await trial.run("preview", "--refresh", "--expect-no-changes")).code).to.equal(0);
  });

  describe("their server", () => {
    it("has checksums, settings sized to the machine, and counts statements", async () => {
      const machine = resources.find(({ urn }) => urn.endsWith("::host-capacity"))?.outputs;
      const { memory, cores } = machine as { memory: number; cores: number };
      const rows = await askServer(
        "SELECT name, setting::text || coalesce(unit, '') AS value FROM pg_settings",
      );
      const settings: Record<string, unknown> = Object.fromEntries(
        rows.map(({ name, value }) => [String(name), value]),
      );
      const buffers = Math.floor(Math.min(Math.max(memory / 16, 32), 16_384)) * 128;
      expect(settings).to.include({
        data_checksums: "on",
        shared_buffers: `${String(buffers)}8kB`,
        max_parallel_workers: String(cores),
        max_connections: "260",
        idle_in_transaction_session_timeout: "600000ms",
        password_encryption: "scram-sha-256",
        listen_addresses: "127.0.0.1",
        wal_level: "replica",
        archive_mode: "on",
        max_wal_senders: "5",
      });
      const [counted] = await askServer(
        "SELECT count(*)::int AS n FROM pg_stat_statements WHERE calls > 0",
      );
      expect(counted?.["n"]).to.be.above(0);
    });

    it("gives a base backup that is whole", async () => {
      const folder = await mkdtemp(join(tmpdir(), "hivematrix-backup-"));
      const [server = {}] = await askServer(
        "SELECT current_setting('server_version_num')::int / 10000 AS version",
      );
      const binaries = `/usr/lib/postgresql/${String(server["version"])}/bin`;
      try {
        const to = ["-h", "127.0.0.1", "-p", String(port()), "-U", "postgres", "-w"];
        const backup = ["-D", join(folder, "data"), "--checkpoint=fast", "--no-sync", ...to];
        await run(join(binaries, "pg_basebackup"), backup, {
          env: { ...process.env, PGPASSWORD: secretOf(resources, "postgres-password") },
        });
        const verified = await run(join(binaries, "pg_verifybackup"), [join(folder, "data")]);
        expect(verified.stdout).to.include("successfully verified");
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
