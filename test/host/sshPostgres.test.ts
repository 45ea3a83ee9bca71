import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { prepareTools } from "../../setup/tools.ts";
import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { type Relay, startRelay } from "../support/relay.ts";

const checkout = join(import.meta.dirname, "..", "..");
const localPort = 28_518;

/** The host's own PostgreSQL, managed by its plugin beside the engine: only port 22 is reachable. */
const program = `
import { readFileSync } from "node:fs";
import * as postgresql from "@pulumi/postgresql";
import { Exec } from "${checkout}/provider/sdk/exec.ts";
import { Package } from "${checkout}/provider/sdk/package.ts";
import { Provider } from "${checkout}/provider/sdk/provider.ts";

const provider = new Provider("there", {
  transport: "ssh",
  address: "127.0.0.1",
  port: Number(process.env.TEST_PORT),
  user: "deploy",
  privateKey: readFileSync(process.env.TEST_KEY, "utf8"),
  hostKey: process.env.TEST_HOST_KEY,
  forwards: [{ localPort: ${localPort}, host: "127.0.0.1", port: 5432 }],
});
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
  let host: TestHost;
  let relay: Relay;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const ends: (() => unknown)[] = [];

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) {
      console.log(`      skipped: ${noContainers}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "hivematrix-postgres-by-ssh-"));
    ends.push(() => {
      rmSync(folder, { recursive: true });
    });
    host = await startHost();
    ends.push(() => host.stop());
    relay = await startRelay(host.address, 22);
    ends.push(() => relay.close());
    env = {
      ...process.env,
      ...(await prepareTools(checkout)).env,
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      TEST_PORT: String(relay.port),
      TEST_KEY: host.keyPath,
      TEST_HOST_KEY: host.hostKey,
    };
    const project = {
      name: "sshPostgres",
      main: "index.ts",
      runtime: { name: "nodejs", options: { typescript: false } },
      plugins: { providers: [{ name: "host", path: join(checkout, "provider") }] },
    };
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify(project));
    writeFileSync(join(folder, "package.json"), '{"type": "module", "main": "index.ts"}');
    writeFileSync(join(folder, "index.ts"), program);
    symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
    await pulumi("stack", "init", "test");
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  function pulumi(...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const all = [...args, "--non-interactive", "--color=never"];
      execFile("pulumi", all, { cwd: folder, env, maxBuffer: 1e7 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`));
      });
    });
  }

  const psql = async (query: string): Promise<string> => {
    const argv = ["runuser", "-u", "postgres", "--", "psql", "-Atc", query];
    return (await host.exec(argv)).stdout.trim();
  };

  it("up: installs it, makes role and database in it, and changes nothing the second time", async () => {
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/\+ 7 created/);
    expect(await psql("SELECT datdba::regrole FROM pg_database WHERE datname = 'data'")).to.equal(
      "owner",
    );
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/7 unchanged/);
    expect(await listens()).to.equal(false);
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
    expect(await listens()).to.equal(false);
  });
});

function listens(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(localPort, "127.0.0.1");
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
