import { expect } from "chai";

import { Database } from "../../components/database.ts";
import { Host } from "../../components/host.ts";
import { PostgresServer } from "../../components/postgresServer.ts";
import { type MockEngine, mockEngine, secret } from "../support/engine.ts";

async function build(): Promise<MockEngine> {
  const engine = await mockEngine();
  const host = new Host("host", { root: "/srv/hive" });
  const server = new PostgresServer("postgres", { host, port: 5433, databases: ["core"] });
  new Database("core-db", { host, server, database: "core" });
  await engine.drain();
  return engine;
}

describe("components/Database", () => {
  it("makes an owner who cannot sign in, a role that can, and the database", async () => {
    const engine = await build();
    expect(engine.childrenOf("core-db")).to.deep.equal({
      "core-db-password": { type: "host:index:Secret", inputs: {} },
      "core-db-owner": {
        type: "postgresql:index/role:Role",
        inputs: { name: "core_owner", login: false },
      },
      "core-db-role": {
        type: "postgresql:index/role:Role",
        inputs: {
          name: "core",
          login: true,
          password: secret("value of core-db-password"),
          roles: ["core_owner"],
          connectionLimit: 30,
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
    });
  });

  it("protects the database and nothing else", async () => {
    const engine = await build();
    const kept = engine.registered.filter((resource) => resource.protect);
    expect(kept.map(({ name }) => name)).to.deep.equal(["core-db-database"]);
  });

  it("goes with the server's data instead of being dropped one by one", async () => {
    const engine = await build();
    for (const name of ["core-db-owner", "core-db-role", "core-db-database"]) {
      expect(engine.find(name).deletedWith, name).to.equal("postgres-data");
    }
  });

  it("waits for the server", async () => {
    const engine = await build();
    expect(engine.find("core-db-owner").dependsOn).to.include("postgres-service");
    expect(engine.find("core-db-database").dependsOn).to.include("core-db-role");
  });
});
