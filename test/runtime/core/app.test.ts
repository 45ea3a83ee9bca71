import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

import { expect } from "chai";

import { claimsOf, type TestCore, TestPlatform, until } from "./testCore.ts";

describe("core", () => {
  let platform: TestPlatform;
  let core: TestCore;

  before(async () => {
    platform = await TestPlatform.start();
    core = await platform.core();
  });

  after(() => platform.close());

  it("answers 200 at its root, which is asked for life", async () => {
    const { status, headers } = await core.get("/");
    expect(status).to.equal(200);
    expect(headers.get("cache-control")).to.equal("no-store");
  });

  it("tells its health by the contract's schema", async () => {
    const { status, body } = await core.get("/health");
    expect(status).to.equal(200);
    expect(body).to.include({ service: "core" });
    expect(body["status"]).to.be.oneOf(["healthy", "degraded"]);
    expect(body["timestamp"]).to.match(/\+00:00$/);
    const checks = body["checks"] as Record<string, Record<string, unknown>>;
    expect(checks["database"]).to.include({ status: "healthy", type: "postgresql" });
    expect(checks["database"]?.["latency_ms"]).to.be.a("number");
    expect(checks["disk"]).to.have.keys("status", "usage_percent", "free_gb", "total_gb");
    const keycloak = checks["dependencies"]?.["keycloak"] as Record<string, unknown>;
    expect(keycloak["status"]).to.equal("healthy");
    expect(keycloak["response_time_ms"]).to.be.a("number");
  });

  it("weakness 64: is degraded with 200 when Keycloak is away", async () => {
    platform.realm.outage = 503;
    platform.clock.forward(5);
    const { status, body } = await core.get("/health");
    platform.realm.outage = undefined;
    platform.clock.forward(5);
    expect(status).to.equal(200);
    expect(body).to.include({ status: "degraded" });
    expect(body["checks"]).to.deep.include({
      dependencies: { keycloak: { status: "unhealthy", http_status: 503 } },
    });
  });

  it("asks Keycloak once, however often its health is asked for", async () => {
    platform.clock.forward(5);
    platform.realm.requests.length = 0;
    for (let i = 0; i < 5; i += 1) await core.get("/health");
    expect(platform.realm.requests).to.deep.equal(["GET /realms/hivematrix"]);
  });

  it("passes a request id on and makes one where there is none or a strange one", async () => {
    const given = await core.get("/", { headers: { "x-correlation-id": "abc-1" } });
    expect(given.headers.get("x-correlation-id")).to.equal("abc-1");
    const strange = await core.get("/", { headers: { "x-correlation-id": "a b<c>" } });
    expect(strange.headers.get("x-correlation-id")).to.match(/^[0-9a-f-]{36}$/);
    expect((await core.get("/no")).headers.get("x-correlation-id")).to.match(/^[0-9a-f-]{36}$/);
  });

  it("has no CORS", async () => {
    const { headers } = await core.get("/health", { headers: { origin: "https://evil.test" } });
    expect(headers.get("access-control-allow-origin")).to.equal(null);
  });

  for (const [title, ask, status, code] of [
    ["an unknown path", () => core.get("/login"), 404, "ERR_PATH"],
    ["another method", () => core.get("/service-token"), 405, "ERR_METHOD"],
    ["OPTIONS", () => core.ask("OPTIONS", "/health", undefined, {}), 405, "ERR_METHOD"],
    [
      "a body that is not JSON",
      () =>
        core.post("/api/token/validate", undefined, {
          headers: { "content-type": "application/json" },
          raw: "{",
        }),
      400,
      "ERR_BODY",
    ],
    [
      "a body of another type",
      () => core.post("/api/token/validate", undefined, { raw: "token=x" }),
      415,
      "ERR_CONTENT_TYPE",
    ],
    [
      "a body that is too large",
      () => core.post("/api/token/validate", { token: "x".repeat(70_000) }),
      413,
      "ERR_BODY_TOO_LARGE",
    ],
  ] as const) {
    it(`answers ${title} with ${String(status)} and a problem`, async () => {
      const answer = await ask();
      expect(answer.status).to.equal(status);
      expect(answer.headers.get("content-type")).to.equal("application/problem+json");
      expect(answer.body).to.include({ status, code });
    });
  }

  it("says which methods a path has", async () => {
    const { headers } = await core.get("/service-token");
    expect(headers.get("allow")).to.equal("POST");
  });

  it("sends one line for each request to the logger, with the route and no secret", async () => {
    interface Batch {
      readonly service_name: string;
      readonly logs: readonly { message: string; trace_id?: string }[];
    }
    const batches: Batch[] = [];
    const tokens: string[] = [];
    const logger = createServer((request, response) => {
      tokens.push(request.headers.authorization?.slice("Bearer ".length) ?? "");
      void json(request).then((body) => {
        batches.push(body as Batch);
        response.end("{}");
      });
    }).listen(0, "127.0.0.1");
    await once(logger, "listening");
    const { port } = logger.address() as AddressInfo;
    const logged = await platform.core({ LOGGER_URL: `http://127.0.0.1:${String(port)}` });
    await logged.get("/health");
    await logged.get("/.well-known/jwks.json?x=secret", { headers: { "x-correlation-id": "id1" } });
    await logged.get("/secret/path");
    const all = (): Batch["logs"] => batches.flatMap(({ logs }) => logs);
    const lines = (): Batch["logs"] => all().filter(({ message }) => !message.startsWith("audit"));
    await until(() => lines().length >= 2);
    await logged.close();
    logger.closeAllConnections();
    logger.close();
    expect(lines().map(({ message }) => message.replace(/\d+ ms/, "N ms"))).to.deep.equal([
      "GET /.well-known/jwks.json 200 N ms",
      "GET (unknown path) 404 N ms",
    ]);
    // Once, though several cores run on this database.
    const copies = all().filter(({ message }) => message.endsWith("signing_key.added"));
    expect(copies).to.have.length(1);
    expect(lines()[0]).to.include({ trace_id: "id1", level: "INFO" });
    expect(batches[0]?.service_name).to.equal("core");
    expect(claimsOf(tokens[0] ?? "")).to.include({
      type: "service",
      calling_service: "core",
      target_service: "helm",
    });
  });

  it("weakness 23: deletes what has expired", async () => {
    const { session } = await core.begin(platform.realm.addUser("ada"));
    const { pool } = platform.database;
    const count = async (): Promise<number> => {
      const found = await pool.query("SELECT FROM sessions WHERE id = $1", [session.id]);
      return found.rowCount ?? 0;
    };
    await core.prune();
    expect(await count()).to.equal(1);
    platform.clock.forward(36_000);
    await core.prune();
    expect(await count()).to.equal(0);
  });
});
