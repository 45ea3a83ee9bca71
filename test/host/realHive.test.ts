import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { hiveFolder, recordPath } from "../../cli/record.js";
import { noContainers, startHost, type TestHost } from "../support/container.ts";

const checkout = join(import.meta.dirname, "..", "..");

describe("hive on a real host", function () {
  this.timeout(120_000);
  const stack = `test-${String(process.pid)}`;
  let host: TestHost;

  before(async function () {
    this.timeout(900_000);
    if (noContainers !== undefined) return void this.skip();
    host = await startHost();
    const unit = "[Service]\nExecStart=/bin/sh -c 'echo here I am; exec sleep infinity'\n";
    for (const name of ["core", "nexus"]) {
      await host.exec(["sh", "-c", `cat >/etc/systemd/system/hive-${name}.service`], unit);
    }
    await host.exec(["systemctl", "daemon-reload"]);
    const { address, keyPath, hostKey } = host;
    const record = { address, port: 22, user: "deploy", privateKeyPath: keyPath, hostKey };
    mkdirSync(hiveFolder(checkout), { recursive: true, mode: 0o700 });
    writeFileSync(recordPath(checkout, stack), JSON.stringify({ host: record }), { mode: 0o600 });
  });
  after(async () => {
    rmSync(recordPath(checkout, stack), { force: true });
    if (noContainers === undefined) await host.stop();
  });

  function hive(...args: string[]): Promise<{ code: number; text: string }> {
    return new Promise((resolve) => {
      const argv = [join(checkout, "cli", "hive.js"), ...args, "-s", stack];
      execFile(process.execPath, argv, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), text: stdout + stderr });
      });
    });
  }

  it("tells what runs, starts, stops and restarts it, and shows its journal", async () => {
    expect(await hive("status")).to.deep.equal({
      code: 3,
      text: "✗ core   inactive\n✗ nexus  inactive\n",
    });
    const started = await hive("start");
    expect(started.code, started.text).to.equal(0);
    const well = await hive("status", "--json");
    expect(well.code).to.equal(0);
    const { services } = JSON.parse(well.text) as { services: { name: string; pid: number }[] };
    expect(services.map(({ name }) => name)).to.deep.equal(["core", "nexus"]);
    expect((await hive("restart", "core")).text).to.match(/^✓ core {2}active {2}pid \d+\n$/);
    expect((await hive("stop", "nexus")).text).to.equal("✗ nexus  inactive\n");
    expect((await host.exec(["systemctl", "is-active", "hive-core"])).stdout).to.equal("active\n");
    expect((await hive("logs", "core")).text).to.include("here I am");
  });

  it("names what there is, and a stack that is not set up", async () => {
    const { code, text } = await hive("restart", "cor");
    expect(code).to.equal(2);
    expect(text).to.equal("There is no service cor. There are: core, nexus.\n");
    rmSync(recordPath(checkout, stack));
    expect((await hive("status")).text).to.equal(
      `Stack ${stack} is not set up in this checkout: run \`npm run up -- -s ${stack}\`.\n`,
    );
  });
});
