import { expect } from "chai";

import { Host } from "../../components/host.ts";
import { ServiceDirectory, servicesJson } from "../../components/serviceDirectory.ts";
import type { App } from "../../registry.ts";
import { mockEngine } from "../support/engine.ts";

const ports = { gateway: 8000, core: 5000, logger: 5004 };

function app(own: Partial<App>): App {
  return {
    description: "An app.",
    source: { runtime: "core" },
    port: 5010,
    required: false,
    dependencies: [],
    visible: true,
    adminOnly: false,
    health: "/health",
    ...own,
  };
}

describe("components/ServiceDirectory", () => {
  it("makes services.json", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive", user: "hive" });
    const args = { apps: { codex: app({}) }, ports, keycloakPort: 8080 };
    const directory = new ServiceDirectory("services", { host, ...args });
    await engine.drain();
    expect(directory.path).to.equal("/srv/hive/services.json");
    expect(engine.childrenOf("services")).to.deep.equal({
      "services-file": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/services.json",
          content: servicesJson(args),
          mode: "0644",
          owner: "hive",
          group: "hive",
        },
      },
    });
  });

  it("lists apps in the registry's order, then Keycloak", () => {
    const text = servicesJson({
      apps: {
        nexus: app({ port: "gateway", visible: false }),
        helm: app({ port: "logger", adminOnly: true }),
        codex: app({}),
      },
      ports,
      keycloakPort: 8080,
    });
    expect(text).to.equal(
      `${JSON.stringify(
        {
          nexus: { url: "https://localhost:8000", visible: false },
          helm: { url: "http://localhost:5004", visible: true, admin_only: true },
          codex: { url: "http://localhost:5010", visible: true },
          keycloak: { url: "http://localhost:8080", visible: false, admin_only: true },
        },
        null,
        2,
      )}\n`,
    );
  });
});
