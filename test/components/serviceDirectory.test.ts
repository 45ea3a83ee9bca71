import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Host } from "../../components/host.ts";
import { routesJson, ServiceDirectory, servicesJson } from "../../components/serviceDirectory.ts";
import { ports as trialPorts } from "../../ports.js";
import { type App, readRegistry } from "../../registry.ts";
import { readRoutes } from "../../runtime/gateway/routes.ts";
import { mockEngine } from "../support/engine.ts";

const ports = trialPorts();

function app(own: Partial<App>): App {
  return {
    description: "An app.",
    source: { runtime: "core" },
    port: 5010,
    required: false,
    dependencies: [],
    audience: false,
    health: "/health",
    egress: [],
    ...own,
  };
}

describe("components/ServiceDirectory", () => {
  it("makes services.json", async () => {
    const engine = await mockEngine();
    const host = new Host("host", { root: "/srv/hive", user: "hive" });
    const args = { apps: { codex: app({}) }, ports };
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
      "services-routes": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/routes.json",
          content: routesJson(args),
          mode: "0644",
          owner: "hive",
          group: "hive",
        },
      },
      "services-health": {
        type: "host:index:File",
        inputs: {
          path: "/srv/hive/health.json",
          content: `${JSON.stringify(
            {
              codex: "http://127.0.0.1:5010/health",
              keycloak: "http://127.0.0.1:9000/health/ready",
            },
            null,
            2,
          )}\n`,
          mode: "0644",
          owner: "hive",
          group: "hive",
        },
      },
    });
  });

  it("offers through the gateway what the registry says, and nothing else", () => {
    const text = routesJson({
      apps: {
        core: app({ port: "core" }),
        "time-sheets": app({
          gateway: { groups: ["billing"], visible: false, public: ["/display"] },
        }),
      },
      ports,
    });
    expect(JSON.parse(text)).to.deep.equal({
      services: [
        {
          name: "time-sheets",
          title: "Time Sheets",
          url: "http://127.0.0.1:5010",
          groups: ["billing"],
          visible: false,
          public: ["/display"],
          kind: "own",
          health: "/health",
        },
      ],
    });
  });

  it("gives the gateway routes it can read", () => {
    const { apps } = readRegistry(join(import.meta.dirname, "../../apps_registry.json"));
    const folder = mkdtempSync(join(tmpdir(), "hivematrix-routes-"));
    try {
      writeFileSync(join(folder, "routes.json"), routesJson({ apps, ports }));
      expect([...readRoutes(join(folder, "routes.json")).keys()]).to.deep.equal(["helm"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("lists apps in the registry's order, then Keycloak", () => {
    const text = servicesJson({
      apps: {
        nexus: app({ port: "gateway" }),
        helm: app({ port: "logger", gateway: { groups: ["admins"], visible: true, public: [] } }),
        codex: app({ gateway: { groups: ["admins", "client"], visible: true, public: [] } }),
      },
      ports,
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
