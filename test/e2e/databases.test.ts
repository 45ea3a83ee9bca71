import { expect } from "chai";
import pg from "pg";

import { sharedPlatform } from "../support/platform.ts";
import type { ExportedResource, Trial } from "../support/trial.ts";

const roles = ["keycloak", "core", "logger", "flasky"];
const databases = [...roles, "postgres", "template1"];

/** SQLSTATE 28000: no line of pg_hba.conf lets this role into this database. */
const refused = "28000";

describe("databases", function () {
  this.timeout(600_000);
  let trial: Trial;
  let resources: readonly ExportedResource[];

  before(async () => {
    ({ trial } = await sharedPlatform());
    resources = await trial.resources("--show-secrets");
  });

  function passwordOf(role: string): string {
    const found = resources.find(({ urn }) => urn.endsWith(`::${role}-db-password`));
    const { value } = found?.outputs as { value: { plaintext: string } };
    return JSON.parse(value.plaintext) as string;
  }

  /** @returns the code of the fault; undefined when it was let in and `text` was run */
  async function enter(role: string, database: string, text: string): Promise<string | undefined> {
    const port = trial.portBase + 5;
    const password = passwordOf(role);
    const client = new pg.Client({ host: "127.0.0.1", port, user: role, database, password });
    try {
      await client.connect();
      await client.query(text);
      return undefined;
    } catch (fault) {
      return (fault as { code?: string }).code ?? "";
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  for (const role of roles) {
    it(`of others are closed to ${role}, its own is open`, async () => {
      const answers = await Promise.all(
        databases.map(async (database) => [database, await enter(role, database, "SELECT 1")]),
      );
      expect(Object.fromEntries(answers)).to.deep.equal(
        Object.fromEntries(databases.map((name) => [name, name === role ? undefined : refused])),
      );
    });

    it(`let ${role} neither make roles and databases nor read files and passwords`, async () => {
      for (const text of [
        "CREATE ROLE mallory",
        "CREATE DATABASE mallory",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
      ]) {
        // 42501: insufficient privilege.
        expect(await enter(role, role, text), text).to.equal("42501");
      }
    });
  }

  it("are closed without the right password", async () => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: trial.portBase + 5,
      user: "core",
      database: "core",
      password: passwordOf("logger"),
    });
    const fault: unknown = await client.connect().catch((thrown: unknown) => thrown);
    expect(fault).to.have.property("code", "28P01");
  });
});
