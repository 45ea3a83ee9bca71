import { expect } from "chai";

import { noContainers } from "../support/container.ts";
import { HostStack, listens } from "../support/hostStack.ts";

const localPort = 28_518;

/** The host's own PostgreSQL, managed by its plugin beside the engine: only port 22 is reachable. */
const program = `
import * as postgresql from "@pulumi/postgresql";

const installed = new Package("server", { names: ["postgresql"] }, { provider });
const password = new Exec(
  "password",
  {
    command: ["psql", "-q", "-v", "ON_ERROR_STOP=1"],
    user: "postgres",
    stdin: "ALTER ROLE postgres PASSWORD 'for-the-test'",
    creates: "/var/lib/postgresql/password-set",
  },
  { provider, dependsOn: installed },
);
const server = new postgresql.Provider("postgres", {
  host: "127.0.0.1",
  port: ${localPort},
  username: "postgres",
  password: "for-the-test",
  sslmode: "disable",
  expectedVersion: "15.0.0",
});
const inside = { provider: server, dependsOn: password };
const owner = new postgresql.Role("owner", { name: "owner" }, inside);
new postgresql.Database("data", { name: "data", owner: owner.name }, inside);
`;

describe("PostgreSQL on a host of which only port 22 is reachable", function () {
  this.timeout(180_000);
  let stack: HostStack;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) {
      console.log(`      skipped: ${noContainers}`);
      this.skip();
    }
    stack = await HostStack.start({
      name: "sshPostgres",
      classes: ["Exec", "Package"],
      program,
      forwards: [{ localPort, host: "127.0.0.1", port: 5432 }],
    });
  });
  after(async () => {
    if (noContainers === undefined) await stack.close();
  });

  const pulumi = (...args: string[]): Promise<string> => stack.pulumi(...args);

  const psql = async (query: string): Promise<string> => {
    const argv = ["runuser", "-u", "postgres", "--", "psql", "-Atc", query];
    return (await stack.host.exec(argv)).stdout.trim();
  };

  it("up: installs it, makes role and database in it, and changes nothing the second time", async () => {
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/\+ 7 created/);
    expect(await psql("SELECT datdba::regrole FROM pg_database WHERE datname = 'data'")).to.equal(
      "owner",
    );
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/7 unchanged/);
    expect(await listens(localPort)).to.equal(false);
  });

  it("preview --refresh and refresh: find a dropped database, up repairs it", async () => {
    expect(await pulumi("preview", "--refresh")).to.match(/7 unchanged/);
    await psql("DROP DATABASE data");
    expect(await pulumi("preview", "--refresh")).to.match(/\+ 1 to create/);
    expect(await pulumi("refresh", "--yes", "--skip-preview")).to.match(/- 1 deleted/);
    await pulumi("up", "--yes", "--skip-preview");
    expect(await psql("SELECT count(*) FROM pg_database WHERE datname = 'data'")).to.equal("1");
  });

  it("destroy: takes both away, and nothing listens afterwards", async () => {
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await psql("SELECT count(*) FROM pg_database WHERE datname = 'data'")).to.equal("0");
    expect(await psql("SELECT count(*) FROM pg_roles WHERE rolname = 'owner'")).to.equal("0");
    expect(await listens(localPort)).to.equal(false);
  });
});
