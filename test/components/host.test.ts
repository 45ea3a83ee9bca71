import { expect } from "chai";

import { Host } from "../../components/host.ts";
import { mockEngine } from "../support/engine.ts";

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
    expect(host.runAs).to.deep.equal({});
    expect(host.supervised).to.equal("/srv/hive/service");
  });

  it("makes the system user first, who then owns the folder and runs the supervisor", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive", user: "hive", purge: true });
    await engine.drain();
    expect(engine.childrenOf("host")).to.deep.equal({
      "host-provider": provider,
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
    expect(host.runAs).to.deep.equal({ user: "hive" });
  });

  it("starts the supervisor after its packages and folder", async () => {
    const engine = await mockEngine();
    new Host("host", { root: "/srv/hive" });
    await engine.drain();
    const { dependsOn } = engine.find("host-supervisor");
    expect(dependsOn).to.deep.equal(["host-definitions", "host-packages", "host-services"]);
  });
});
