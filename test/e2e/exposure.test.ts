import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import type { Audit } from "../../cli/audit.ts";
import { freePort } from "../support/freePort.ts";
import { type Platform, sharedPlatform } from "../support/platform.ts";

/** Root looks from another network; everybody else at the bindings. */
const isRoot = process.getuid?.() === 0;

describe("what is reached from outside", function () {
  this.timeout(600_000);
  this.slow(60_000);
  let platform: Platform;

  before(async () => {
    platform = await sharedPlatform();
  });

  async function audit(): Promise<{ code: number; audit: Audit }> {
    const { code, text } = await platform.trial.hive("audit", "--json");
    return { code, audit: JSON.parse(text) as Audit };
  }

  it("is nothing, on a trial", async () => {
    const { code, audit: found } = await audit();
    expect(code).to.equal(0);
    const states = found.ports.map(({ name, state }) => [name, state]);
    expect(Object.fromEntries(states)).to.deep.equal({
      nexus: "loopback",
      core: "loopback",
      helm: "loopback",
      flasky: "loopback",
      keycloak: "loopback",
      "keycloak-management": "loopback",
      postgres: "loopback",
    });
    expect(found.probe.method).to.equal(isRoot ? "from another network" : "bindings only");
    const { text } = await platform.trial.hive("audit");
    expect(text).to.match(/^✓ core +\d+ +bound to localhost \(127\.0\.0\.1/m);
    expect(text).to.contain("nexus may talk with anybody (people reach it");
  });

  it("fails `up` with name, port and what to do; `hive audit` marks it; without it all is well", async () => {
    const { directory } = platform.trial;
    const folder = join(dirname(directory), "wide");
    await mkdir(folder);
    await chmod(folder, 0o777);
    const port = String(await freePort());
    const registryPath = join(directory, "apps_registry.json");
    const configPath = join(directory, "Pulumi.dev.yaml");
    const [registry, config] = await Promise.all([
      readFile(registryPath, "utf8"),
      readFile(configPath, "utf8"),
    ]);
    const { apps } = JSON.parse(registry) as { apps: Record<string, unknown> };
    const wide = {
      description: "Listens everywhere.",
      source: {
        directory: folder,
        command: ["/usr/bin/python3", "-m", "http.server", port, "--bind", "0.0.0.0"],
      },
      port: Number(port),
      health: "/",
    };
    try {
      await writeFile(registryPath, JSON.stringify({ apps: { ...apps, wide } }));
      await writeFile(configPath, config.replace("[flasky]", "[flasky, wide]"));
      const { code, text } = await platform.trial.run("up");
      expect(code, text).not.to.equal(0);
      expect(text).to.contain(
        `wide listens on 0.0.0.0:${port}, where other machines reach it: let it listen on 127.0.0.1.`,
      );
      const seen = await audit();
      expect(seen.code).to.equal(1);
      const exposed = seen.audit.ports.filter(({ state }) => state === "exposed");
      expect(exposed.map(({ name }) => name)).to.deep.equal(["wide"]);
      if (isRoot) expect(exposed[0]?.reached).to.not.be.empty;
    } finally {
      await writeFile(registryPath, registry);
      await writeFile(configPath, config);
    }
    const { code, text } = await platform.trial.run("up");
    expect(code, text).to.equal(0);
    expect((await audit()).code).to.equal(0);
  });
});
