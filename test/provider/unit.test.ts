import { expect } from "chai";

import { environmentFile } from "../../provider/systemd/environmentFile.ts";
import { commandLine, sandbox } from "../../provider/systemd/sandbox.ts";
import { HostPlugin, secret, unknown } from "../support/hostPlugin.ts";

const inputs = {
  name: "web",
  command: ["/usr/bin/web"],
  user: "web",
  ready: [{ tcp: { port: 7000 } }],
};

describe("Unit", () => {
  let plugin: HostPlugin;

  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("shows in a preview the text that will be written, secrets apart", async () => {
    const { inputs: wanted } = await plugin.check("Unit", {
      ...inputs,
      env: { KEY: secret("hidden"), LATER: unknown },
    });
    const { properties } = await plugin.create("Unit", wanted, { preview: true });
    expect(properties["unit"]).to.contain("ExecStart=/usr/bin/web\n").and.not.contain("hidden");
    const later = { ...wanted, cwd: unknown };
    const planned = await plugin.create("Unit", later, { preview: true });
    expect(planned.properties["unit"]).to.equal(unknown);
  });

  it("differs when the file on the host has another text", async () => {
    const { inputs: wanted } = await plugin.check("Unit", inputs);
    const { properties } = await plugin.create("Unit", wanted, { preview: true });
    expect((await plugin.diff("Unit", properties, wanted)).changes).to.equal(false);
    const edited = { ...properties, unit: "[Unit]\n" };
    expect((await plugin.diff("Unit", edited, wanted)).detailed).to.deep.equal({ unit: "update" });
  });

  it("names what is wrong with its inputs", async () => {
    const { failures } = await plugin.check("Unit", {
      ...inputs,
      name: "Web",
      command: ["web"],
      egress: ["everywhere"],
      capabilities: ["net"],
      memoryMax: "lots",
      env: { READY_FILE: "/x" },
    });
    expect(failures).to.deep.equal([
      "name must be 1 to 60 of a-z, 0-9, _ and -, a letter first",
      "capabilities[0] must be a name such as CAP_NET_BIND_SERVICE",
      'egress[0] must be a network such as 192.0.2.0/24, or "any"',
      'memoryMax must be bytes in quotes, such as "512M"',
      "env.READY_FILE is set by handover; leave it out",
      "command[0] must be an absolute path",
    ]);
  });
});

describe("systemd's syntax", () => {
  it("takes no argument for a variable, specifier or quote", () => {
    const command = ["/bin/a b", "%n", "$HOME", 'x"y\\z', "two\nlines", ""];
    expect(commandLine(command)).to.equal('"/bin/a b" %%n "$$HOME" "x\\"y\\\\z" "two\\nlines" ""');
  });

  it("keeps any value of a variable as it is", () => {
    expect(environmentFile({ B: 'q"$`\\', A: "two\nlines" })).to.equal(
      'A="two\nlines"\nB="q\\"\\$\\`\\\\"\n',
    );
  });

  it("leaves core what it needs to know the owner of a connection: users and its table of sockets", () => {
    const lines = sandbox({ capabilities: [], egress: [], writable: [], jit: true });
    expect(
      lines.filter((line) => /^(PrivateUsers|PrivateNetwork|NetworkNamespace)/.test(line)),
    ).to.deep.equal([]);
    // The tables lie in its own folder there (proc(5)): /proc/self/net.
    expect(lines).to.include("ProcSubset=pid");
  });

  it("forbids executable memory only where nothing compiles at run time", () => {
    const least = { capabilities: [], egress: ["192.0.2.0/24"], writable: ["/srv/a b"] };
    expect(sandbox({ ...least, jit: true })).not.to.include("MemoryDenyWriteExecute=yes");
    expect(sandbox({ ...least, jit: false })).to.include.members([
      "MemoryDenyWriteExecute=yes",
      "CapabilityBoundingSet=",
      "IPAddressDeny=any",
      "IPAddressAllow=192.0.2.0/24",
      'ReadWritePaths="/srv/a b"',
    ]);
  });
});
