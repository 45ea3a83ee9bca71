import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import pg from "pg";

import type { Report } from "../../cli/drift/report.ts";
import { KeycloakAdmin } from "../support/keycloak.ts";
import { sharedPlatform } from "../support/platform.ts";
import type { ExportedResource, Outcome, Trial } from "../support/trial.ts";

const run = promisify(execFile);
const who = "service-account-hivematrix-administrator from 127.0.0.1";

/** The breaks of the issue that are in Keycloak and PostgreSQL; those of a host: test/host/. */
describe("hive drift on the platform", function () {
  this.timeout(600_000);
  let trial: Trial;
  let admin: KeycloakAdmin;
  let resources: readonly ExportedResource[];

  before(async () => {
    ({ trial } = await sharedPlatform());
    admin = await KeycloakAdmin.of(trial);
    resources = await trial.resources("--show-secrets");
  });

  function secretOf(name: string): string {
    const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
    const { value } = found?.outputs as { value: { plaintext: string } };
    return JSON.parse(value.plaintext) as string;
  }

  async function sql(text: string, database = "postgres"): Promise<unknown[]> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: trial.portBase + 5,
      user: "postgres",
      password: secretOf("postgres-password"),
      database,
    });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async function drift(): Promise<{ outcome: Outcome; report: Report }> {
    const outcome = await trial.hive("drift", "--json");
    return { outcome, report: JSON.parse(outcome.text) as Report };
  }

  const mapper = async (): Promise<{ path: string; found: { id: string; name: string }[] }> => {
    const path = `${await admin.pathOf("client-scopes", "name", "groups")}/protocol-mappers/models`;
    return { path, found: await admin.get<{ id: string; name: string }[]>(path) };
  };

  /** State, files on the host, realm and roles: all that a look could have changed. */
  async function everything(): Promise<unknown[]> {
    const state = join(trial.directory, ".hive/state/.pulumi/stacks/hivematrix/dev.json");
    // Logs, sockets, statistics and a database at work go on by themselves.
    const { stdout } = await run("sh", [
      "-c",
      `find "$1" -path '*/log' -prune -o -path '*/postgres/data' -prune -o -path '*/supervise' -prune -o -path '*/keycloak/*/data' -prune -o -type f -printf '%p %T@ %C@ %m %u\\n' | sort`,
      "sh",
      trial.root,
    ]);
    return [
      readFileSync(state, "utf8"),
      stdout,
      await admin.get("/hivematrix"),
      (await mapper()).found,
      await sql("SELECT rolname, rolsuper, rolcanlogin, oid FROM pg_roles ORDER BY 1"),
      await sql("SELECT datname, oid, datdba FROM pg_database ORDER BY 1"),
    ];
  }

  it("finds none where nothing was changed: exit code 0", async () => {
    const { outcome, report } = await drift();
    expect(outcome.code, outcome.text).to.equal(0);
    expect(report).to.deep.include({ drift: [], notSeen: [], stack: "dev" });
    expect(report.looked).to.be.greaterThan(50);
  });

  describe("after three breaks", () => {
    let report: Report;
    let outcome: Outcome;
    let earlier: unknown[];
    let afterwards: unknown[];
    let text: Outcome;
    let repair: Outcome;
    let second: Outcome;

    before(async () => {
      await sql("DROP OWNED BY flasky", "flasky");
      await sql("DROP ROLE flasky");
      await admin.change("/hivematrix", { registrationAllowed: true });
      const { path, found } = await mapper();
      await admin.delete(`${path}/${String(found[0]?.id)}`);
      earlier = await everything();
      ({ outcome, report } = await drift());
      text = await trial.hive("drift");
      afterwards = await everything();
      repair = await trial.run("up");
      second = await trial.run("up");
    });

    const named = (name: string) => report.drift.find((finding) => finding.name === name);

    it("a dropped role is named, and put back by up", async () => {
      expect(named("flasky-db-role")).to.deep.include({
        type: "postgresql:index/role:Role",
        id: "flasky",
        property: null,
        found: null,
      });
      expect(await sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'flasky'")).to.deep.equal([
        { rolcanlogin: true },
      ]);
    });

    it("a changed realm setting is named with who and when, and put back by up", async () => {
      const found = named("realm-realm");
      expect(found).to.deep.include({
        property: "registrationAllowed",
        expected: false,
        found: true,
      });
      expect(found?.recorded[0]).to.deep.include({
        who,
        source: "Keycloak's admin events: UPDATE the realm",
      });
      expect(Date.now() - Date.parse(found?.recorded[0]?.when ?? "")).to.be.within(0, 600_000);
      expect(await admin.get("/hivematrix")).to.include({ registrationAllowed: false });
    });

    it("a removed mapper is named with who and when, and put back by up", async () => {
      const found = named("realm-groups-mapper");
      expect(found).to.deep.include({ property: null, found: null });
      expect(found?.recorded[0]?.who).to.equal(who);
      expect(found?.recorded[0]?.source).to.match(/DELETE client-scopes\/.*protocol-mappers/);
      expect((await mapper()).found.map(({ name }) => name)).to.deep.equal(["groups"]);
    });

    it("names nothing else but the service that lost its role; exit code 1", () => {
      const names = report.drift.map(({ name }) => name);
      expect(names).to.include.members(["flasky-db-role", "realm-realm", "realm-groups-mapper"]);
      expect(names.filter((name) => !/^(flasky|realm)-/.test(name))).to.deep.equal([]);
      expect(outcome.code).to.equal(1);
      expect(text.code).to.equal(1);
      expect(text.text).to.contain("✗ Realm realm-realm (hivematrix): registrationAllowed");
      expect(text.text).to.contain("expected false").and.to.contain("found    true");
    });

    it("changes nothing: state, files, realm and roles are as before", () => {
      expect(afterwards).to.deep.equal(earlier);
    });

    it("shows no secret of the state", () => {
      const secrets = JSON.stringify(resources).matchAll(/"plaintext":"((?:[^"\\]|\\.)*)"/g);
      const values = [...secrets]
        .map(([, json = ""]) => JSON.parse(JSON.parse(`"${json}"`) as string) as unknown)
        .filter((value) => typeof value === "string" && value.length >= 16);
      expect(values.length).to.be.greaterThan(5);
      for (const value of values) {
        expect(outcome.text.includes(value as string)).to.equal(false);
        expect(text.text.includes(value as string)).to.equal(false);
      }
    });

    it("remembers when it was first seen", () => {
      const [, first] = /first seen (\S+)/.exec(text.text) ?? [];
      expect(first).to.equal(report.time);
    });

    it("is repaired by up; the second up changes nothing, and there is no drift any more", async () => {
      expect(repair.code, repair.text).to.equal(0);
      expect(second.code, second.text).to.equal(0);
      expect(second.text).not.to.match(/\d+ (created|updated|replaced|deleted|to )/);
      expect((await drift()).report.drift).to.deep.equal([]);
    });
  });

  it("says what could not be looked at rather than “no drift”", async () => {
    expect((await trial.hive("stop", "keycloak")).code).to.equal(0);
    try {
      const { outcome, report } = await drift();
      expect(report.drift.map(({ name, property }) => [name, property])).to.deep.equal([
        ["keycloak-service", "running"],
      ]);
      expect(report.notSeen.map(({ server }) => server)).to.deep.equal(["Keycloak"]);
      expect(report.notSeen[0]?.reason).to.contain("connection refused");
      expect(outcome.code).to.equal(1);
    } finally {
      expect((await trial.hive("start", "keycloak")).code).to.equal(0);
    }
  });
});
