import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { parallel } from "../../cli/env.ts";
import { prepareTools } from "../../setup/tools.ts";
import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { type Relay, startRelay } from "../support/relay.ts";

const checkout = join(import.meta.dirname, "..", "..");

/** Six resources a service, as those of the platform have. */
const program = `
import { readFileSync } from "node:fs";
import { Directory } from "${checkout}/provider/sdk/directory.ts";
import { File } from "${checkout}/provider/sdk/file.ts";
import { Provider } from "${checkout}/provider/sdk/provider.ts";
import { Release } from "${checkout}/provider/sdk/release.ts";
import { Unit } from "${checkout}/provider/sdk/unit.ts";
import { User } from "${checkout}/provider/sdk/user.ts";

const provider = new Provider("there", {
  transport: "ssh",
  address: "127.0.0.1",
  port: Number(process.env.TEST_PORT),
  user: "deploy",
  privateKey: readFileSync(process.env.TEST_KEY, "utf8"),
  hostKey: process.env.TEST_HOST_KEY,
});
for (let index = 0; index < Number(process.env.TEST_SERVICES); index += 1) {
  const name = "test-" + index;
  const path = "/srv/" + name;
  const user = new User(name + "-user", { name, home: "/srv" }, { provider });
  const folder = new Directory(name + "-folder", { path, purge: true }, { provider });
  const inside = { provider, dependsOn: [folder, user] };
  new File(name + "-file", { path: path + "/settings", content: name }, inside);
  new File(name + "-key", { path: path + "/key", content: name, mode: "0600", owner: name }, inside);
  const release = new Release(
    name + "-release",
    { path: path + "/releases", source: "${checkout}/package.json", version: "1" },
    inside,
  );
  new Unit(
    name + "-unit",
    {
      name,
      command: ["/bin/sleep", "infinity"],
      env: { SECRET: name },
      credentials: { token: name },
      user: name,
      ready: [{ http: { url: "http://127.0.0.1:8099/" } }],
      readyTimeout: 300,
    },
    { provider, dependsOn: release },
  );
}
`;

/** Round trips of making a connection, as measured: greeting, keys, log-in, channel and shell. */
const connecting = 11;

/**
 * Most round trips. Without latency nothing is gathered while an answer is under way, so that more
 * services cost more of them, each of no time: with 10 services it still has to be twelve.
 */
const most = (services: number, delay: number): number =>
  services <= 30 ? (delay === 0 && services > 10 ? 24 : 12) : delay === 0 ? 80 : 20;

/** Looking at a host that is as it should be: six resources a service, counted in round trips. */
export function describeRefresh(counts: readonly number[]): void {
  describe("a refresh that finds nothing, by SSH", function () {
    this.timeout(900_000);
    this.slow(60_000);
    let host: TestHost;
    let relay: Relay;
    let folder: string;
    let env: NodeJS.ProcessEnv;
    const ends: (() => unknown)[] = [];

    before(async function () {
      if (noContainers !== undefined) return void this.skip();
      folder = mkdtempSync(join(tmpdir(), "hivematrix-services-"));
      ends.push(() => {
        rmSync(folder, { recursive: true });
      });
      host = await startHost();
      ends.push(() => host.stop());
      relay = await startRelay(host.address, 22);
      ends.push(() => relay.close());
      await host.exec([
        ...["systemd-run", "--unit=page", "--working-directory=/srv", "python3", "-m"],
        ...["http.server", "8099", "--bind", "127.0.0.1"],
      ]);
      env = {
        ...process.env,
        ...(await prepareTools(checkout)).env,
        ...parallel,
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        TEST_PORT: String(relay.port),
        TEST_KEY: host.keyPath,
        TEST_HOST_KEY: host.hostKey,
      };
      const project = {
        name: "services",
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
        execFile("pulumi", all, { cwd: folder, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`));
        });
      });
    }

    for (const count of counts) {
      for (const delay of [0, 25]) {
        const limit = most(count, delay);
        it(`takes at most ${limit} round trips of ${2 * delay} ms, with ${count} services`, async () => {
          env["TEST_SERVICES"] = String(count);
          const made = await pulumi("up", "--yes", "--skip-preview");
          expect(made).to.match(/created|unchanged/);
          relay.delay = delay;
          const { turns, rounds, connections } = relay;
          const start = Date.now();
          const said = await pulumi("refresh", "--yes", "--skip-preview");
          relay.delay = 0;
          const seconds = ((Date.now() - start) / 1000).toFixed(1);
          const trips = relay.rounds - rounds - connecting;
          console.log(
            `      ${trips} round trips besides the connection's (${relay.turns - turns} turns), ${seconds} s`,
          );
          expect(said).to.include(`${6 * count + 2} unchanged`);
          expect(relay.connections - connections).to.equal(1);
          expect(trips).to.be.at.most(limit);
        });
      }
    }
  });
}
