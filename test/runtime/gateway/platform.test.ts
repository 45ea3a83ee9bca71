import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

import { readRoutes } from "../../../runtime/gateway/routes.ts";
import { TestGateway, until } from "../../support/gateway.ts";

describe("the gateway's own answers", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  it("tells its health by the platform's schema, by any name (contract 4.6)", async () => {
    const { status, body } = await test.ask("/health", { headers: { host: "127.0.0.1:8000" } });
    expect(status).to.equal(200);
    const report = JSON.parse(body) as Record<string, unknown>;
    expect(report).to.have.all.keys("service", "status", "timestamp", "checks");
    expect(report["service"]).to.equal("nexus");
    expect(report["timestamp"]).to.match(/\+00:00$/);
    const checks = report["checks"] as Record<string, Record<string, unknown>>;
    expect(checks["disk"]).to.have.all.keys("status", "usage_percent", "free_gb", "total_gb");
    expect(checks["dependencies"]).to.have.all.keys("core", "keycloak");
    expect(checks["dependencies"]?.["core"]).to.have.all.keys("status", "response_time_ms");
  });

  it("is degraded, not gone, when others are away (weakness 64)", async () => {
    test.core.outage = 500;
    const { status, body } = await test.ask("/health");
    expect(status).to.equal(200);
    expect(JSON.parse(body)).to.include({ status: "degraded" });
    expect(body).to.include('"core":{"status":"unhealthy","http_status":500}');
    expect((await test.ask("/health/live")).status).to.equal(200);
    // Whoever asks often is told the same again; Keycloak is not asked each time.
    await test.ask("/health");
    expect(test.keycloak.received).to.have.length(1);
  });

  it("serves the platform's files, kept by browsers by their version", async () => {
    const path = "/static/css/global.css";
    const plain = await test.ask(path);
    expect(plain.status).to.equal(200);
    expect(plain.headers["content-type"]).to.equal("text/css; charset=utf-8");
    expect(plain.headers["cache-control"]).to.equal("no-cache, max-age=0");
    const { etag = "" } = plain.headers;
    const known = await test.ask(path, { headers: { "if-none-match": `"x", W/${etag}` } });
    expect([known.status, known.body]).to.deep.equal([304, ""]);
    expect((await test.ask(path, { method: "HEAD" })).body).to.equal("");
    expect((await test.ask("/static/css/none.css")).status).to.equal(404);
    expect((await test.ask(path, { method: "POST" })).status).to.equal(405);
  });

  it("leads the short addresses of Beacon's pages there (contract 2.3)", async () => {
    for (const path of ["/helpdesk", "/helpdesk/", "/professional-services"]) {
      const { status, headers } = await test.ask(path);
      expect(status).to.equal(302);
      expect(headers.location).to.equal(`/beacon${path.replace(/\/$/, "")}`);
    }
  });

  it("answers the pages' wish for an empty cache (weakness 38)", async () => {
    const { status, body } = await test.ask("/api/invalidate-cache", { method: "POST" });
    expect(status).to.equal(200);
    expect(JSON.parse(body)).to.deep.equal({ success: true, message: "Cache invalidated" });
  });

  it("writes a line for each request, without query and without secrets", async () => {
    const cookie = test.core.signIn();
    await test.ask("/codex/a?secret=1", { cookie });
    await test.ask("/health");
    await test.ask("/nothing?secret=2");
    await until(() => test.lines.length === 2);
    const [first, second] = test.lines;
    const { duration_ms, ...context } = first?.context ?? {};
    expect(duration_ms).to.be.a("number");
    expect(context).to.deep.equal({
      method: "GET",
      path: "/codex/a",
      status: 200,
      address: "127.0.0.1",
    });
    expect(first).to.include({ level: "INFO", user_id: "4711" });
    expect(first?.trace_id).to.equal(test.service.only.headers["x-correlation-id"]);
    expect(second).to.not.have.property("user_id");
    expect(JSON.stringify(test.lines)).to.not.match(/secret/);
    expect(JSON.stringify(test.lines)).to.not.include(cookie);
  });

  it("takes up other routes without a pause, and nothing that does not fit (weakness 40)", async () => {
    const cookie = test.core.signIn();
    expect((await test.ask("/ledger/", { cookie })).status).to.equal(404);
    const routes = test.routes([{ name: "ledger", title: "Ledger", groups: ["admins"] }]);
    expect(() => {
      test.gateway.use({ routes, certificate: "x", key: "y" });
    }).to.throw();
    expect((await test.ask("/ledger/", { cookie })).status).to.equal(404);
    test.gateway.use({ ...test.files, routes });
    expect((await test.ask("/ledger/", { cookie })).status).to.equal(200);
  });
});

describe("the file of routes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "routes-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function read(content: string) {
    const file = join(folder, "routes.json");
    writeFileSync(file, content);
    return readRoutes(file);
  }
  const helm = { name: "helm", title: "Helm", url: "http://127.0.0.1:5004/", groups: ["admins"] };

  it("is read in its order", () => {
    const routes = read(JSON.stringify({ services: [helm, { ...helm, name: "a", groups: [] }] }));
    expect([...routes.keys()]).to.deep.equal(["helm", "a"]);
    expect(routes.get("helm")).to.deep.equal({
      ...helm,
      url: "http://127.0.0.1:5004",
      visible: true,
      public: [],
      timeout: 30,
      bodyLimit: 1024,
      websocket: false,
      encodedSlash: false,
      assets: "local",
      kind: "python",
      health: "/health",
    });
  });

  const faults = {
    "no JSON": "{",
    "an unknown key": JSON.stringify({ services: [{ ...helm, admin: true }] }),
    "a name twice": JSON.stringify({ services: [helm, helm] }),
    "a name of the gateway's own": JSON.stringify({ services: [{ ...helm, name: "login" }] }),
    "a name that is no segment": JSON.stringify({ services: [{ ...helm, name: "a/b" }] }),
    "an address with a path": JSON.stringify({ services: [{ ...helm, url: "http://x/y" }] }),
    "a public path without a slash": JSON.stringify({ services: [{ ...helm, public: ["x"] }] }),
  };
  for (const [what, content] of Object.entries(faults)) {
    it(`is refused with ${what}`, () => {
      expect(() => read(content)).to.throw(/routes\.json is not usable/);
    });
  }
});
