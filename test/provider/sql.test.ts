import { readdirSync } from "node:fs";

import { expect } from "chai";

import { explain } from "../../provider/postgres/psql.ts";
import { HostPlugin, PluginError, secret, unknown } from "../support/hostPlugin.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const major = Math.max(...readdirSync("/usr/lib/postgresql").map(Number));

describe("Sql", () => {
  let plugin: HostPlugin;
  let database: TestDatabase;
  let to: Record<string, unknown>;

  before(async () => {
    plugin = await HostPlugin.start();
    database = await createDatabase();
    to = {
      binaries: `/usr/lib/postgresql/${String(major)}/bin`,
      port: database.port,
      username: database.user,
      password: secret(database.password),
      database: database.database,
    };
  });
  after(() => plugin.stop());

  const hasTable = {
    check: "SELECT to_regclass('thing') IS NOT NULL",
    apply: "CREATE TABLE thing (id int)",
  };

  async function fault(work: Promise<unknown>): Promise<PluginError> {
    const thrown: unknown = await work.catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(PluginError);
    return thrown as PluginError;
  }

  it("makes it so, sees when it is not so any more, and makes it so again", async () => {
    const { inputs } = await plugin.check("Sql", { ...to, ...hasTable });
    const { id, properties } = await plugin.create("Sql", inputs);
    const there = async () =>
      (await database.pool.query("SELECT to_regclass('thing') AS it")).rows as { it: unknown }[];
    expect(await there()).to.deep.equal([{ it: "thing" }]);
    expect((await plugin.read("Sql", id, properties))?.properties).to.deep.equal(properties);
    await database.pool.query("DROP TABLE thing");
    const read = await plugin.read("Sql", id, properties);
    expect(read?.properties).to.deep.equal({ ...properties, holds: false });
    const diff = await plugin.diff("Sql", read?.properties ?? {}, inputs);
    expect(diff).to.include({ changes: true });
    await plugin.update("Sql", id, read?.properties ?? {}, inputs);
    expect(await there()).to.deep.equal([{ it: "thing" }]);
  });

  it("does nothing in a preview, also when the password is not known yet", async () => {
    const { inputs } = await plugin.check("Sql", {
      ...to,
      check: "SELECT false",
      password: unknown,
    });
    const { properties } = await plugin.create("Sql", inputs, { preview: true });
    expect(properties).to.include({ check: "SELECT false" });
  });

  it("changes all of it or nothing, and passes on what the server says", async () => {
    const apply = "CREATE TABLE half (id int); SELECT 1 / 0";
    const { inputs } = await plugin.check("Sql", { ...to, check: "SELECT false", apply });
    expect((await fault(plugin.create("Sql", inputs))).message).to.match(
      /says: .*division by zero/,
    );
    const { rows } = await database.pool.query("SELECT to_regclass('half') AS it");
    expect(rows).to.deep.equal([{ it: null }]);
  });

  it("says so when the statements ran in vain", async () => {
    const { inputs } = await plugin.check("Sql", {
      ...to,
      check: "SELECT false",
      apply: "SELECT 1",
    });
    expect((await fault(plugin.create("Sql", inputs))).message).to.include("does not say true");
  });

  it("refuses once with what it found, and goes on when it is asked again", async () => {
    const refusals = [
      { query: "SELECT 'nobody' WHERE false", message: "not this: %s" },
      { query: "SELECT 'bob'", message: "belongs to %s: ask %s" },
    ];
    const { inputs } = await plugin.check("Sql", { ...to, check: "SELECT true", refusals });
    const refused = await fault(plugin.create("Sql", inputs));
    expect(refused.state?.reasons).to.deep.equal(["belongs to bob: ask bob"]);
    const { id, properties } = refused.state ?? { id: "", properties: {} };
    const next = await plugin.update("Sql", id, properties, inputs);
    expect(next).to.include({ check: "SELECT true", holds: true });
  });

  it("tells a wrong password and a server that is away in one sentence, without a secret", async () => {
    const wrong = await plugin.check("Sql", {
      ...to,
      check: "SELECT true",
      password: secret("wr0ng"),
    });
    const { message } = await fault(plugin.create("Sql", wrong.inputs));
    expect(message).to.match(
      /^PostgreSQL at 127\.0\.0\.1:\d+ refuses the password of test_\w+: give it .* run the same command again\.$/,
    );
    expect(message).not.to.include("wr0ng");
    const away = await plugin.check("Sql", { ...to, check: "SELECT true", port: 9 });
    expect((await fault(plugin.create("Sql", away.inputs))).message).to.equal(
      "PostgreSQL at 127.0.0.1:9 does not answer: start it, then run the same command again.",
    );
  });

  const at = { host: "db.example", port: 5432, username: "hive" };
  for (const [said, sentence] of [
    ['FATAL:  no pg_hba.conf entry for host "10.0.0.1"', /lets hive in from nowhere we are/],
    ["server does not support SSL, but SSL was required", /does not prove who it is by TLS/],
    ["SSL error: certificate verify failed", /does not prove who it is by TLS/],
    [
      'ERROR:  could not extend file "base/1": No space left on device',
      /no space left on its disk/,
    ],
    ["ERROR:  permission denied to create role", /does not allow hive this/],
    ['could not translate host name "db.example" to address', /does not answer/],
    ["ERROR:  something else", /^PostgreSQL at db\.example:5432 says: ERROR: {2}something else$/],
  ] as const) {
    it(`has a sentence for: ${said}`, () => {
      expect(explain(at, said)).to.match(sentence);
    });
  }
});
