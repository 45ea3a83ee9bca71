import { expect } from "chai";

import { Database } from "../../components/database.ts";
import { refusalsOf } from "../../components/databaseClaim.ts";
import { rolesOf } from "../../components/databaseNames.ts";
import { databaseRights } from "../../components/databaseRights.ts";
import { Host } from "../../components/host.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { type MockEngine, mockEngine, secret } from "../support/engine.ts";

async function build(args: { rotation?: number; closed?: boolean } = {}): Promise<MockEngine> {
  const engine = await mockEngine();
  const host = new Host("host", { root: "/srv/hive" });
  const server = new PostgresServer("postgres", { host, port: 5433, databases: ["core"] });
  const made = new Database("core-db", { host, server, database: "core", ...args });
  if (args.closed !== true) made.usedBy(host.capacity);
  await engine.drain();
  return engine;
}

const roles = rolesOf("core");
const server = {
  binaries: "/usr/lib/postgresql/15/bin",
  port: 5433,
  username: "postgres",
  password: secret("value of postgres-password"),
};
const role = { roles: ["core_owner"], connectionLimit: 30, statementTimeout: 300_000 };

describe("components/Database", () => {
  it("makes an owner who cannot sign in, a role that can, one whose turn comes, and the database", async () => {
    const engine = await build();
    const refusals = refusalsOf("core", roles, { name: "core-db", server: "postgres" });
    expect(engine.childrenOf("core-db")).to.deep.equal({
      "core-db-password": { type: "host:index:Secret", inputs: {} },
      "core-db-password-second": { type: "host:index:Secret", inputs: {} },
      "core-db-claim": {
        type: "host:index:Sql",
        inputs: { ...server, database: "postgres", check: "SELECT true", refusals },
      },
      "core-db-owner": {
        type: "postgresql:index/role:Role",
        inputs: { name: "core_owner", login: false },
      },
      "core-db-role": {
        type: "postgresql:index/role:Role",
        inputs: {
          ...role,
          name: "core",
          login: true,
          password: secret("value of core-db-password"),
        },
      },
      "core-db-role-second": {
        type: "postgresql:index/role:Role",
        inputs: {
          ...role,
          name: "core_second",
          login: false,
          password: secret("value of core-db-password-second"),
        },
      },
      "core-db-database": {
        type: "postgresql:index/database:Database",
        inputs: {
          name: "core",
          owner: "core_owner",
          encoding: "UTF8",
          lcCollate: "C.UTF-8",
          lcCtype: "C.UTF-8",
          template: "template0",
        },
      },
      "core-db-rights": {
        type: "host:index:Sql",
        inputs: { ...server, database: "core", ...databaseRights(roles, "core") },
      },
    });
  });

  it("gives the other login its turn with a new password, and closes the former one last", async () => {
    const engine = await build({ rotation: 3 });
    expect(engine.find("core-db-password").inputs).to.deep.equal({ version: 2 });
    expect(engine.find("core-db-password-second").inputs).to.deep.equal({ version: 2 });
    expect(engine.find("core-db-role-second").inputs).to.include({ login: true });
    expect(engine.find("core-db-role").inputs).to.include({ login: false });
    expect(engine.find("core-db-role").dependsOn).to.include("host-capacity");
    expect(engine.find("core-db-database").dependsOn).to.include("core-db-role-second");
    expect(engine.find("core-db-rights").inputs["apply"]).to.include('ALTER ROLE "core_second"');
  });

  it("lets nobody sign in to what is kept for a service that is not installed", async () => {
    const engine = await build({ closed: true });
    for (const name of ["core-db-role", "core-db-role-second"]) {
      expect(engine.find(name).inputs, name).to.include({ login: false });
    }
  });

  it("protects the database and nothing else", async () => {
    const engine = await build();
    const kept = engine.registered.filter((resource) => resource.protect);
    expect(kept.map(({ name }) => name)).to.deep.equal(["core-db-database"]);
  });

  it("goes with the server's data instead of being dropped one by one", async () => {
    const engine = await build();
    for (const name of [
      "core-db-owner",
      "core-db-role",
      "core-db-role-second",
      "core-db-database",
    ]) {
      expect(engine.find(name).deletedWith, name).to.equal("postgres-data");
    }
  });

  it("waits for the server, and asks what is there before it makes anything", async () => {
    const engine = await build();
    expect(engine.find("core-db-claim").dependsOn).to.include("postgres-rights");
    expect(engine.find("core-db-owner").dependsOn).to.include("core-db-claim");
    expect(engine.find("core-db-rights").dependsOn).to.include("core-db-database");
  });
});
