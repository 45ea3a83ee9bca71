import { expect } from "chai";

import { Host } from "../../components/host.ts";
import { mockEngine, secret } from "../support/engine.ts";

const packages = {
  type: "host:index:Package",
  inputs: {
    names: ["postgresql", "default-jre-headless", "runit", "maven"],
    during: {
      "/etc/postgresql-common/createcluster.d/hivematrix.conf": "create_main_cluster = false\n",
    },
  },
};
const provider = { type: "pulumi:providers:host", inputs: { transport: "local" } };

describe("components/Host", () => {
  it("makes packages, folder and supervisor as the user who runs up", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive" });
    await engine.drain();
    expect(engine.childrenOf("host")).to.deep.equal({
      "host-provider": provider,
      "host-capacity": { type: "host:index:Capacity", inputs: {} },
      "host-packages": packages,
      "host-folder": {
        type: "host:index:Directory",
        inputs: { path: "/srv/hive", mode: "0755", purge: false },
      },
      "host-services": {
        type: "host:index:Directory",
        inputs: { path: "/srv/hive/service", mode: "0755", purge: true },
      },
      "host-definitions": {
        type: "host:index:Directory",
        inputs: { path: "/srv/hive/services", mode: "0755", purge: true },
      },
      "host-supervisor": {
        type: "host:index:Supervisor",
        inputs: { directory: "/srv/hive/service" },
      },
    });
    expect(host.owned).to.deep.equal({});
    expect(host.accountOf("core")).to.deep.equal({ runAs: {}, owned: {} });
    expect(host.supervised).to.equal("/srv/hive/service");
  });

  it("makes the system user first, who then owns the folder and runs the supervisor", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive", user: "hive", purge: true });
    await engine.drain();
    expect(engine.childrenOf("host")).to.deep.equal({
      "host-provider": provider,
      "host-capacity": { type: "host:index:Capacity", inputs: {} },
      "host-packages": packages,
      "host-user": {
        type: "host:index:User",
        inputs: { name: "hive", home: "/var/lib/hivematrix" },
      },
      "host-folder": {
        type: "host:index:Directory",
        inputs: { path: "/srv/hive", mode: "0755", purge: true, owner: "hive", group: "hive" },
      },
      "host-services": {
        type: "host:index:Directory",
        inputs: {
          path: "/srv/hive/service",
          mode: "0755",
          purge: true,
          owner: "hive",
          group: "hive",
        },
      },
      "host-definitions": {
        type: "host:index:Directory",
        inputs: {
          path: "/srv/hive/services",
          mode: "0755",
          purge: true,
          owner: "hive",
          group: "hive",
        },
      },
      "host-supervisor": {
        type: "host:index:Supervisor",
        inputs: { directory: "/srv/hive/service", user: "hive" },
      },
    });
    expect(engine.find("host-folder").dependsOn).to.deep.equal(["host-user"]);
    expect(host.owned).to.deep.equal({ owner: "hive", group: "hive" });
    expect(host.accountOf("core").runAs).to.deep.equal({ user: "hive" });
  });

  it("starts the supervisor after its packages and folder", async () => {
    const engine = await mockEngine();
    new Host("host", { root: "/srv/hive" });
    await engine.drain();
    const { dependsOn } = engine.find("host-supervisor");
    expect(dependsOn).to.deep.equal(["host-definitions", "host-packages", "host-services"]);
  });

  describe("run by systemd, by SSH", () => {
    const connection = {
      transport: "ssh",
      address: "203.0.113.5",
      port: 2222,
      user: "deploy",
      privateKey: "the key",
      hostKey: "ssh-ed25519 AAAA",
    } as const;
    const build = (more: object = {}): Host =>
      new Host("host", {
        connection,
        supervisor: "systemd",
        root: "/var/lib/hivematrix",
        services: ["postgres", "core"],
        egress: { core: { networks: ["192.0.2.0/24"] } },
        reached: [5433, 8080],
        forwardBase: 20_000,
        ...more,
      });

    it("has a user for each service, no supervisor of ours, and forwards to what listens on loopback", async () => {
      const engine = await mockEngine();
      build();
      await engine.drain();
      expect(engine.childrenOf("host")).to.deep.equal({
        "host-provider": {
          type: "pulumi:providers:host",
          inputs: {
            ...connection,
            port: "2222",
            privateKey: secret("the key"),
            forwards:
              '[{"localPort":20000,"host":"127.0.0.1","port":5433},{"localPort":20001,"host":"127.0.0.1","port":8080}]',
          },
        },
        "host-capacity": { type: "host:index:Capacity", inputs: {} },
        "host-base": { type: "hivematrix:index:BaseSystem", inputs: {} },
        "host-packages": {
          type: "host:index:Package",
          inputs: { ...packages.inputs, names: ["postgresql", "default-jre-headless"] },
        },
        "host-user-postgres": {
          type: "host:index:User",
          inputs: { name: "hive-postgres", home: "/var/lib/hivematrix" },
        },
        "host-user-core": {
          type: "host:index:User",
          inputs: { name: "hive-core", home: "/var/lib/hivematrix" },
        },
        "host-settings": {
          type: "host:index:Directory",
          inputs: { path: "/etc/hivematrix", mode: "0755", purge: true },
        },
        "host-folder": {
          type: "host:index:Directory",
          inputs: { path: "/var/lib/hivematrix", mode: "0755", purge: false },
        },
      });
      expect(JSON.stringify(engine.find("host").inputs)).not.to.include("the key");
    });

    it("puts nothing on a machine that was not found fit", async () => {
      const engine = await mockEngine();
      build();
      await engine.drain();
      for (const { name, type, dependsOn } of engine.registered) {
        if (!type.startsWith("host:index:") || /^host-(base|provider)/.test(name)) continue;
        expect(dependsOn, name).to.include("host-base-machine");
      }
    });

    it("knows accounts, networks and the near side of each port", async () => {
      const engine = await mockEngine();
      const host = build();
      const here = build({ connection: undefined });
      await engine.drain();
      expect(host.accountOf("core")).to.deep.equal({
        runAs: { user: "hive-core" },
        owned: { owner: "hive-core", group: "hive-core" },
      });
      expect(host.owned).to.deep.equal({});
      const { user } = host.accountOf("a-service-with-quite-a-long-name").runAs;
      expect(user)
        .to.match(/^hive-a-service-with-quit-[0-9a-f]{7}$/)
        .and.have.lengthOf(32);
      expect(host.egressOf("core")).to.deep.equal(["192.0.2.0/24"]);
      expect(host.egressOf("postgres")).to.deep.equal([]);
      expect([host.near(5433), host.near(8080)]).to.deep.equal([20_000, 20_001]);
      expect(() => host.near(9000)).to.throw("Port 9000 was not declared as reached");
      expect(here.near(8080)).to.equal(8080);
    });
  });
});
