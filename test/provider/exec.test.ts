import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { HostPlugin, output, secret, unknown } from "../support/hostPlugin.ts";

describe("Exec", () => {
  let plugin: HostPlugin;
  let folder: string;
  let inputs: Record<string, unknown>;
  const runs = async () => (await readFile(join(folder, "runs"), "utf8")).trim().split("\n").length;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "host-exec-"));
    const script = `cd ${folder}; echo run >>runs; cat >typed; echo "$A" >env; pwd >where`;
    inputs = {
      command: ["/bin/sh", "-c", script],
      creates: join(folder, "done"),
      env: { A: secret("hidden-a") },
      stdin: output("hidden-b", true),
      triggers: ["1"],
    };
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is previewed without being run", async () => {
    const wanted = { ...inputs, triggers: [unknown] };
    const { properties } = await plugin.create("Exec", wanted, { preview: true });
    expect(properties).to.include({ ran: unknown });
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("is run once, with its input and environment, and proved by a path", async () => {
    const { id, properties } = await plugin.create("Exec", inputs);
    expect(id).to.equal(join(folder, "done"));
    expect(await readFile(join(folder, "typed"), "utf8")).to.equal("hidden-b");
    expect(await readFile(join(folder, "env"), "utf8")).to.equal("hidden-a\n");
    expect(existsSync(join(folder, "done"))).to.equal(true);
    expect(properties).to.deep.include({
      stdin: secret("hidden-b"),
      env: { A: secret("hidden-a") },
    });
    const read = await plugin.read("Exec", id, properties);
    expect(read?.properties).to.deep.equal(properties);
    await plugin.create("Exec", inputs);
    expect(await runs()).to.equal(1);
    await plugin.delete("Exec", id, properties);
    expect(existsSync(join(folder, "done"))).to.equal(true);
  });

  it("is run again for another command or trigger, not for another secret", async () => {
    const { id, properties } = await plugin.create("Exec", inputs);
    const rotated = { ...inputs, stdin: secret("hidden-c") };
    expect(await plugin.update("Exec", id, properties, rotated, true)).to.include({
      ran: properties["ran"],
    });
    const second = await plugin.update("Exec", id, properties, rotated);
    expect(second["ran"]).to.equal(properties["ran"]);
    expect(await runs()).to.equal(1);
    const triggered = { ...rotated, triggers: ["2"] };
    expect(await plugin.update("Exec", id, second, triggered, true)).to.include({ ran: unknown });
    const third = await plugin.update("Exec", id, second, triggered);
    expect(third["ran"]).not.to.equal(properties["ran"]);
    expect(await runs()).to.equal(2);
  });

  it("is gone when its proof is", async () => {
    const { id, properties } = await plugin.create("Exec", inputs);
    await rm(join(folder, "done"));
    expect(await plugin.read("Exec", id, properties)).to.equal(undefined);
  });

  it("fails with the end of what it printed, without secrets", async () => {
    const command = ["/bin/sh", "-c", 'echo "key $A" >&2; exit 7'];
    const error = await plugin
      .create("Exec", { ...inputs, command })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property(
      "message",
      '/bin/sh -c echo "key $A" >&2; exit 7 failed with exit code 7:\nkey [secret]',
    );
    expect(error).to.have.property("state", undefined);
  });

  it("gets nothing of Pulumi's own environment", async () => {
    const other = await HostPlugin.start({ PULUMI_CONFIG_PASSPHRASE: "hidden-passphrase" });
    const command = ["/bin/sh", "-c", `env >${folder}/all`];
    await other.create("Exec", { ...inputs, command });
    await other.stop();
    expect(await readFile(join(folder, "all"), "utf8")).not.to.match(/PULUMI|hidden-passphrase/);
  });

  it("is ended by a cancel, with all it started", async () => {
    const marker = `9${String(process.pid)}`;
    const command = ["/bin/sh", "-c", `sleep ${marker} & echo x >${folder}/started; wait`];
    const work = plugin.create("Exec", { ...inputs, command }).catch((thrown: unknown) => thrown);
    while (!existsSync(join(folder, "started"))) await new Promise((done) => setTimeout(done, 20));
    await plugin.cancel();
    expect(await work)
      .to.have.property("message")
      .that.matches(/was interrupted; run the same command again/);
    const left = readdirSync("/proc").filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8") === `sleep\0${marker}\0`;
      } catch {
        return false;
      }
    });
    expect(left).to.deep.equal([]);
    expect(existsSync(join(folder, "done"))).to.equal(false);
  });

  it("is ended when its time is up", async () => {
    const command = ["/bin/sleep", "1000"];
    const error = await plugin
      .create("Exec", { ...inputs, command }, { timeout: 1 })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/^\/bin\/sleep was interrupted/);
  });
});
