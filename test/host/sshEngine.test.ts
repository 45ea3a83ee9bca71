import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { prepareTools } from "../../setup/tools.ts";
import { noContainers, startHost, type TestHost } from "../support/container.ts";
import { type Relay, startRelay } from "../support/relay.ts";

const checkout = join(import.meta.dirname, "..", "..");
const localPort = 28_517;

/** Sixty files and a page of the host's own loopback, read through a forward while the program runs. */
const program = `
import { readFileSync } from "node:fs";
import { File } from "${checkout}/provider/sdk/file.ts";
import { Provider } from "${checkout}/provider/sdk/provider.ts";

const provider = new Provider("there", {
  transport: "ssh",
  address: "127.0.0.1",
  port: Number(process.env.TEST_PORT),
  user: "deploy",
  privateKey: readFileSync(process.env.TEST_KEY, "utf8"),
  hostKey: process.env.TEST_HOST_KEY,
  forwards: [{ localPort: ${localPort}, host: "127.0.0.1", port: 8099 }],
});
const files = Array.from({ length: 60 }, (_, index) =>
  new File("file-" + index, { path: "/srv/engine-" + index, content: "content " + index }, { provider }),
);
export const page = files[0].id.apply(async () => {
  const response = await fetch("http://127.0.0.1:${localPort}/");
  return response.status;
});
`;

describe("plain Pulumi verbs on a host by SSH", function () {
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
    folder = mkdtempSync(join(tmpdir(), "hivematrix-engine-"));
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
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      TEST_PORT: String(relay.port),
      TEST_KEY: host.keyPath,
      TEST_HOST_KEY: host.hostKey,
    };
    const project = {
      name: "sshEngine",
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

  it("up: makes everything, reads through the forward, and changes nothing the second time", async () => {
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/page *: 200[^]*\+ 62 created/);
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/62 unchanged/);
    const state = readFileSync(join(folder, ".pulumi/stacks/sshEngine/test.json"), "utf8");
    expect(state).not.to.include("OPENSSH PRIVATE KEY");
    expect(await listens()).to.equal(false);
  });

  for (const delay of [0, 25]) {
    it(`refresh: at most twelve round trips beside the connection's, of ${2 * delay} ms`, async () => {
      relay.delay = delay;
      const { turns, connections } = relay;
      await pulumi("refresh", "--yes", "--skip-preview");
      relay.delay = 0;
      console.log(`      ${relay.turns - turns} with those of the connection`);
      expect(relay.connections - connections).to.equal(1);
      // Measured: greeting, keys, log-in, channel and shell are eleven.
      expect(relay.turns - turns).to.be.at.most(12 + 11);
    });
  }

  it("refresh finds what was changed by hand, up repairs it", async () => {
    await host.exec(["sh", "-c", "echo drift >/srv/engine-7; rm /srv/engine-8"]);
    const found = await pulumi("preview", "--refresh", "--diff");
    expect(found).to.include("engine-7");
    await pulumi("up", "--yes", "--refresh", "--run-program", "--skip-preview");
    const { stdout } = await host.exec(["cat", "/srv/engine-7", "/srv/engine-8"]);
    expect(stdout).to.equal("content 7content 8");
  });

  it("destroy: takes everything away, and nothing listens afterwards", async () => {
    await pulumi("destroy", "--yes", "--skip-preview");
    expect((await host.exec(["ls", "-A", "/srv"])).stdout).to.equal("");
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
