import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";

import { expect } from "chai";

import { HostPlugin, launcher, output, secret, unknown } from "../support/hostPlugin.ts";

describe("the host plugin", () => {
  let plugin: HostPlugin;
  before(async () => {
    plugin = await HostPlugin.start();
  });
  after(() => plugin.stop());

  it("starts within a second and ends with 0 when it is asked to", async () => {
    const other = await HostPlugin.start();
    expect(other.startup).to.be.below(1000);
    expect(await other.stop()).to.equal(0);
  });

  it("does not outlive an engine that was killed", async () => {
    const script = `const child = require("node:child_process").spawn(process.argv[1]);
      child.stdout.once("data", () => console.log(child.pid));`;
    const engine = spawn(process.execPath, ["-e", script, launcher]);
    const [line] = (await once(engine.stdout, "data")) as [Buffer];
    engine.kill("SIGKILL");
    const deadline = Date.now() + 10_000;
    const arguments_ = `/proc/${line.toString().trim()}/cmdline`;
    while (existsSync(arguments_) && readFileSync(arguments_, "utf8") !== "") {
      expect(Date.now()).to.be.below(deadline);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  it("tells the engine that it takes secrets and outputs", async () => {
    const response = await plugin.handshake();
    expect(response).to.include({ acceptSecrets: true, acceptOutputs: true });
  });

  it("takes only a known transport, and never replaces the host for another one", async () => {
    expect(await plugin.checkConfig({ transport: "local" })).to.deep.equal([]);
    expect(await plugin.checkConfig({ transport: "telnet", port: 23 })).to.deep.equal([
      'transport must be "local" or "ssh"',
    ]);
    const diff = await plugin.diffConfig({ transport: "local" }, { transport: "ssh" });
    expect(diff).to.deep.equal({
      changes: true,
      replaces: [],
      detailed: { transport: "update" },
    });
  });

  it("publishes a schema of every resource the SDK has", async () => {
    const schema = await plugin.schema();
    const resources = schema["resources"] as Record<string, Record<string, unknown>>;
    expect(Object.keys(resources)).to.deep.equal(
      [
        "Archive",
        "Capacity",
        "Certificate",
        "CertificateAuthority",
        "Daemon",
        "Directory",
        "Exec",
        "File",
        "FirewallRuleset",
        "Machine",
        "Package",
        "Release",
        "Secret",
        "Service",
        "Sql",
        "Supervisor",
        "Timer",
        "Unit",
        "User",
      ].map((name) => `host:index:${name}`),
    );
    expect(resources["host:index:File"]).to.have.nested.property("inputProperties.path.type");
    expect(resources["host:index:File"]?.["requiredInputs"]).to.deep.equal(["path", "content"]);
    expect(resources["host:index:Secret"]).to.have.nested.property("properties.value.secret", true);
    expect(schema).to.have.nested.property("types.host:index:ServiceReadyTcp.properties.port");
    for (const [name, definition] of Object.entries(resources)) {
      for (const list of ["inputProperties", "properties"]) {
        for (const [key, property] of Object.entries(definition[list] as object)) {
          expect(property, `${name}.${list}.${key}`).to.satisfy(
            (value: object) => "$ref" in value || ("type" in value && value.type !== undefined),
          );
        }
      }
    }
  });

  it("reports every fault at once, each with the property and what it takes", async () => {
    const { failures } = await plugin.check("Service", {
      name: "a b",
      directory: "relative",
      command: [],
      env: { "1x": "y" },
      ready: [{ tcp: { port: 0 } }, {}, { http: { url: "ftp://x" } }],
      readyTimeout: "long",
      wrong: true,
    });
    expect(failures).to.deep.equal([
      "wrong is not a property here; allowed are name, directory, state, command, env, user, cwd, ready, readyTimeout, restartOn, reloadOn, stopSignal, stopTimeout, handover, running",
      "name must be letters, digits, - and _",
      "directory must be an absolute path such as /srv/x, without . and .. and a slash at its end",
      "state is required: a string",
      "command must hold at least the program's name",
      'env["1x"] must be a variable\'s name: letters, digits, _',
      "ready[0].tcp.port must be at least 1",
      "ready[1] must have exactly one of tcp, http and exec",
      "ready[2].http.url must be an http: or https: URL",
      "readyTimeout must be a number",
    ]);
  });

  it("lets what is not known yet pass a check, in the middle of a value too", async () => {
    const { inputs, failures } = await plugin.check("Service", {
      name: unknown,
      directory: output(),
      state: "/srv/state",
      command: ["/bin/true", unknown],
      env: { A: unknown, B: secret(unknown) },
      ready: [{ tcp: { port: unknown } }],
    });
    expect(failures).to.deep.equal([]);
    expect(inputs).to.deep.include({
      name: unknown,
      directory: unknown,
      command: ["/bin/true", unknown],
      env: { A: unknown, B: secret(unknown) },
      stopTimeout: 20,
      running: true,
    });
  });

  it("names only the faults of what is known", async () => {
    const { failures } = await plugin.check("Service", {
      name: "x",
      directory: "/srv/d",
      state: "/srv/state",
      command: ["true", unknown],
      env: { READY_FILE: unknown },
      handover: true,
      ready: [{ tcp: { port: unknown, wrong: 1 } }],
    });
    expect(failures).to.deep.equal([
      "ready[0].tcp has no wrong here; see the property's description",
      "env.READY_FILE is set by handover; leave it out",
      "command[0] must be an absolute path",
    ]);
  });

  it("keeps secrets secret, property by property, and unwraps outputs", async () => {
    const { inputs } = await plugin.check("Exec", {
      command: output(["/bin/true"]),
      creates: "/srv/done",
      env: { SHOWN: output("1"), HIDDEN: output("hidden-value", true) },
      stdin: secret("typed-in"),
    });
    expect(inputs).to.deep.equal({
      command: ["/bin/true"],
      creates: "/srv/done",
      env: { SHOWN: "1", HIDDEN: secret("hidden-value") },
      stdin: secret("typed-in"),
    });
  });

  it("names a resource it does not have", async () => {
    const error = await plugin.check("Router", {}).catch((thrown: unknown) => thrown);
    expect(error).to.have.property(
      "message",
      "The host provider has no resource host:index:Router.",
    );
  });

  it("refuses assets", async () => {
    const asset = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17" };
    const error = await plugin
      .check("File", { path: "/srv/x", content: asset })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/^content is an asset or binary data; give text/);
  });

  it("answers getReadiness when all checks pass, fails with why not, looks at nothing in a preview", async () => {
    const tcp = { tcp: { port: 1 } };
    const exec = { exec: { command: ["/bin/sh", "-c", 'test "$A" = b'], env: { A: "b" } } };
    const token = "host:index:getReadiness";
    expect(await plugin.invoke(token, { checks: [exec] })).to.deep.equal({ ready: true });
    expect(await plugin.invoke(token, { checks: [tcp] }, true)).to.deep.equal({ ready: true });
    const error = await plugin
      .invoke(token, { checks: [exec, tcp], timeout: 1 })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/^Not ready after 1 s: port 1: connect ECONNREFUSED/);
  });
});
