import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { type Registry, readRegistry, registryJsonSchema } from "../registry.ts";

const root = join(import.meta.dirname, "..");

/** The least that an app needs. */
const app = { description: "An app.", source: { runtime: "core" }, port: 5010 };

describe("registry", () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hivematrix-registry-"));
    path = join(directory, "apps_registry.json");
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function read(registry: unknown): Registry {
    writeFileSync(path, JSON.stringify(registry));
    return readRegistry(path);
  }

  /** The lines after the one that names the file. */
  function faults(registry: unknown): string[] {
    try {
      read(registry);
    } catch (thrown) {
      const [first, ...lines] = (thrown as Error).message.split("\n");
      expect(first).to.equal(`${path}:`);
      return lines;
    }
    throw new Error("The registry was accepted");
  }

  it("describes gateway, core and logger", () => {
    const { apps } = readRegistry(join(root, "apps_registry.json"));
    const ports = Object.entries(apps).map(([name, { port }]) => [name, port]);
    expect(Object.fromEntries(ports)).to.deep.equal({
      nexus: "gateway",
      core: "core",
      helm: "logger",
    });
    expect(Object.values(apps).every(({ required }) => required)).to.equal(true);
  });

  it("fills in what an entry leaves out", () => {
    expect(read({ apps: { codex: app } }).apps).to.deep.equal({
      codex: {
        ...app,
        required: false,
        dependencies: [],
        audience: false,
        health: "/health",
        egress: [],
      },
    });
  });

  it("takes networks, or any with a reason, as egress", () => {
    const of = (egress: unknown) => ({ apps: { codex: { ...app, egress } } });
    expect(read(of(["192.0.2.0/24", "2001:db8::/32"])).apps["codex"]?.egress).to.have.length(2);
    expect(read(of({ any: "mail" })).apps["codex"]?.egress).to.deep.equal({ any: "mail" });
    for (const wrong of ["any", ["any"], 7, ["::/129"], ["192.0.2.1/33"], ["example.org"]]) {
      expect(faults(of(wrong)), JSON.stringify(wrong)).to.deep.equal([
        '✖ is a list of networks such as "192.0.2.0/24", or { "any": "<why it has to>" }',
        "  → at apps.codex.egress",
      ]);
    }
  });

  it("is published as a JSON Schema that is up to date", () => {
    const published = readFileSync(join(root, "apps_registry.schema.json"), "utf8");
    expect(JSON.parse(published)).to.deep.equal(JSON.parse(registryJsonSchema()));
  });

  it("refuses misspelt keys, at every level", () => {
    expect(
      faults({
        apps: {
          codex: { ...app, databse: "codex", source: { runtime: "core", folder: "core" } },
        },
        services: {},
      }),
    ).to.deep.equal([
      '✖ Unrecognized key: "services"',
      '✖ Unrecognized key: "databse"',
      "  → at apps.codex",
      '✖ Unrecognized key: "folder"',
      "  → at apps.codex.source",
    ]);
  });

  it("refuses a dependency that is no app", () => {
    expect(
      faults({ apps: { codex: { ...app, dependencies: ["core"] }, ledger: app } }),
    ).to.deep.equal([
      '✖ unknown app "core"; the registry has codex, ledger',
      "  → at apps.codex.dependencies[0]",
    ]);
  });

  it("refuses a call to what is no app", () => {
    expect(faults({ apps: { codex: { ...app, calls: ["ledgr"] }, ledger: app } })).to.deep.equal([
      '✖ unknown app "ledgr"; the registry has codex, ledger',
      "  → at apps.codex.calls[0]",
    ]);
  });

  it("refuses a database that belongs to another app", () => {
    const shared = { ...app, database: "books" };
    expect(faults({ apps: { codex: shared, ledger: shared } })).to.deep.equal([
      '✖ database "books" belongs to codex; every app has its own',
      "  → at apps.ledger.database",
    ]);
  });

  it("wants to know where the code is, one way or the other", () => {
    for (const source of [{}, { directory: "codex" }, { runtime: "core", directory: "codex" }]) {
      expect(faults({ apps: { codex: { ...app, source } } })).to.deep.equal([
        "✖ needs either runtime, or directory and command",
        "  → at apps.codex.source",
      ]);
    }
  });

  it("offers an app to every group unless it says otherwise", () => {
    const { apps } = read({ apps: { codex: { ...app, gateway: {} } } });
    expect(apps["codex"]?.gateway).to.deep.equal({
      groups: ["admins", "technicians", "billing", "client"],
      visible: true,
      public: [],
    });
    expect(
      faults({
        apps: { codex: { ...app, gateway: { groups: ["admin"], public: ["a b"] } } },
      }).filter((line) => line.startsWith("  → at")),
    ).to.deep.equal(["  → at apps.codex.gateway.groups[0]", "  → at apps.codex.gateway.public[0]"]);
  });

  it("reports several faults at once", () => {
    expect(
      faults({
        apps: {
          codex: { ...app, port: 80, database: "Books", health: "ready" },
          ledger: { ...app, description: "" },
        },
      }).filter((line) => line.startsWith("  → at")),
    ).to.have.members([
      "  → at apps.codex.port",
      "  → at apps.codex.database",
      "  → at apps.codex.health",
      "  → at apps.ledger.description",
    ]);
  });

  for (const name of ["Codex", "1st", "a b", "a".repeat(51)]) {
    it(`refuses the name ${JSON.stringify(name)}`, () => {
      expect(faults({ apps: { [name]: app } }).at(-1)).to.include("→ at apps");
    });
  }

  it("says when a file is no JSON, or not there", () => {
    writeFileSync(path, "{");
    expect(() => readRegistry(path)).to.throw(`${path} cannot be read as JSON: `);
    expect(() => readRegistry(join(directory, "other.json"))).to.throw(
      `${join(directory, "other.json")} cannot be read as JSON: ENOENT`,
    );
  });
});
