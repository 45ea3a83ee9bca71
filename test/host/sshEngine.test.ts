import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { noContainers, type TestHost } from "../support/container.ts";
import { HostStack, listens } from "../support/hostStack.ts";
import type { Relay } from "../support/relay.ts";

const localPort = 28_517;

/** Sixty files and a page of the host's own loopback, read through a forward while the program runs. */
const program = `
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
  let stack: HostStack;
  let host: TestHost;
  let relay: Relay;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) {
      console.log(`      skipped: ${noContainers}`);
      this.skip();
    }
    const forwards = [{ localPort, host: "127.0.0.1", port: 8099 }];
    stack = await HostStack.start({ name: "sshEngine", classes: ["File"], program, forwards });
    ({ host, relay } = stack);
    await host.exec([
      ...["systemd-run", "--unit=page", "--working-directory=/srv", "python3", "-m"],
      ...["http.server", "8099", "--bind", "127.0.0.1"],
    ]);
  });
  after(async () => {
    if (noContainers === undefined) await stack.close();
  });

  const pulumi = (...args: string[]): Promise<string> => stack.pulumi(...args);

  it("up: makes everything, reads through the forward, and changes nothing the second time", async () => {
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/page *: 200[^]*\+ 62 created/);
    expect(await pulumi("up", "--yes", "--skip-preview")).to.match(/62 unchanged/);
    const state = readFileSync(join(stack.folder, ".pulumi/stacks/sshEngine/test.json"), "utf8");
    expect(state).not.to.include("OPENSSH PRIVATE KEY");
    expect(await listens(localPort)).to.equal(false);
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
    expect(await listens(localPort)).to.equal(false);
  });
});
