import { expect } from "chai";

import { Host } from "../../components/host.ts";
import { Runtime } from "../../components/runtime.ts";
import { Service } from "../../components/service.ts";
import { mockEngine, secret } from "../support/engine.ts";

interface Env {
  PORT: string;
  KEY: string;
}

describe("components/Service", () => {
  it("does not compile when a variable is forgotten or made up", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    const runtime = new Runtime("runtime", { host });
    const rest = { host, runtime, program: "core", description: "one", ready: [] } as const;
    // @ts-expect-error -- PORT and KEY are missing
    new Service<Env>("one", { ...rest, env: {} });
    // @ts-expect-error -- KEY is made by nobody
    new Service<Env>("two", { ...rest, env: { PORT: "1" } });
    // @ts-expect-error -- PROT is no variable
    new Service<Env>("three", { ...rest, env: { PORT: "1", KEY: "k", PROT: "2" } });
    await engine.drain();
  });

  it("ships the program by its content and hands over to the new one when it is ready", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive", user: "hive" });
    const runtime = new Runtime("runtime", { host });
    new Service<Env, "KEY">("core", {
      host,
      runtime,
      program: "core",
      description: "the core",
      env: { PORT: "5000" },
      secrets: ["KEY"],
      ready: [{ http: { url: "http://127.0.0.1:5000/health" } }],
    });
    await engine.drain();
    const release = engine.find("core-release").inputs;
    expect(release).to.include({ path: "/srv/hive/releases/core", owner: "hive", group: "hive" });
    expect(release["version"]).to.match(/^[0-9a-f]{16}$/);
    const node = engine.find("runtime-node").inputs;
    expect(engine.find("core-service").inputs).to.deep.include({
      name: "core",
      command: [
        `/srv/hive/releases/node/${String(node["version"])}/node`,
        `/srv/hive/releases/core/${String(release["version"])}/main.js`,
      ],
      env: { PORT: "5000", KEY: secret("value of core-key") },
      handover: true,
      user: "hive",
    });
  });

  it("is a unit of its own user on systemd, with its secrets in files of their own", async () => {
    const engine = await mockEngine();
    const host = new Host("host", {
      root: "/srv/hive",
      supervisor: "systemd",
      services: ["core"],
      egress: { core: { networks: ["192.0.2.0/24"] } },
    });
    const runtime = new Runtime("runtime", { host });
    new Service<Env & { TOKEN: string }, "KEY">("core", {
      host,
      runtime,
      program: "core",
      description: "the core",
      env: { PORT: "5000", TOKEN: "t" },
      credentials: ["TOKEN"],
      secrets: ["KEY"],
      ready: [{ http: { url: "http://127.0.0.1:5000/health" } }],
    });
    await engine.drain();
    const { type, inputs } = engine.find("core-service");
    expect(type).to.equal("host:index:Unit");
    expect(inputs).to.deep.include({
      name: "hive-core",
      description: "the core",
      user: "hive-core",
      env: { PORT: "5000" },
      credentials: { TOKEN: "t", KEY: secret("value of core-key") },
      egress: ["192.0.2.0/24"],
      after: ["hive-postgres.service"],
      handover: true,
      watchdog: 60,
    });
    expect(engine.find("core-release").inputs).not.to.have.property("owner");
  });
});
