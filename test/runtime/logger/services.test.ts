import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { Probes } from "../../../runtime/logger/probes.ts";
import { eventually, frozen, TestLogger } from "./testLogger.ts";

type Statuses = Record<string, Record<string, unknown>>;

const servers: Server[] = [];

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe("states of services", () => {
  it("are three, with the reason and the time it took, asked all at once (weakness 56)", async () => {
    // Each waits for the other's request: asked one after the other, neither would answer.
    const both = Promise.withResolvers<undefined>();
    let asked = 0;
    const together =
      (answer: (response: ServerResponse) => void) => (_: unknown, response: ServerResponse) => {
        asked += 1;
        if (asked === 2) both.resolve(undefined);
        void both.promise.then(() => {
          answer(response);
        });
      };
    const [well, ill, silent] = await Promise.all([
      listen(together((response) => response.end())),
      listen(together((response) => response.writeHead(503).end("a secret"))),
      listen(() => undefined),
    ]);
    // It needs root and nobody uses it: a free one may be somebody's in a moment.
    const gone = "http://127.0.0.1:1";
    const probes = new Probes({
      checks: { well, ill, gone, silent },
      database: () => Promise.reject(new Error("away")),
      now: () => frozen,
    });
    const states = await probes.all();
    await probes.close();
    expect(states.map(({ name, state, message }) => [name, state, message])).to.deep.equal([
      ["gone", "not running", "connection refused"],
      ["ill", "not ready", "status 503"],
      ["postgres", "not running", "no answer"],
      ["silent", "not running", "timeout"],
      ["well", "running", ""],
    ]);
    expect(states.at(-1)?.responseTime).to.be.a("number");
    expect(states[0]?.responseTime).to.equal(null);
  });

  it("are asked once in five seconds, however many want to know", async () => {
    let asked = 0;
    let time = frozen;
    const url = await listen((_, response) => {
      asked += 1;
      response.end();
    });
    const database = () => Promise.resolve();
    const probes = new Probes({ checks: { codex: url }, database, now: () => time });
    await Promise.all(Array.from({ length: 20 }, () => probes.all()));
    await probes.of("codex");
    expect(asked).to.equal(1);
    time = new Date(frozen.getTime() + 5000);
    await probes.of("codex");
    expect(asked).to.equal(2);
    await probes.close();
  });
});

describe("services and health", () => {
  let logger: TestLogger;
  let codex: string;
  let url: string;
  let time = frozen;

  before(async () => {
    url = await listen((_, response) => response.end());
    logger = await TestLogger.start({ codex: `${url}/health` }, () => time);
    codex = await logger.core.service("codex");
  });
  after(() => logger.stop());

  const json = async (path: string, token?: string): Promise<Record<string, unknown>> => {
    const response = await logger.request(path, token);
    expect(response.status).to.equal(200);
    return (await response.json()) as Record<string, unknown>;
  };

  it("GET /api/services names them", async () => {
    const admin = await logger.core.user("admin");
    expect(await json("/api/services", admin)).to.deep.equal({
      services: ["codex", "core", "postgres"],
      details: {
        codex: { url: `${url}/health` },
        core: { url: `${logger.core.url}/health` },
        postgres: { url: null },
      },
    });
  });

  it("GET /api/services/status has the contract's members", async () => {
    const statuses = (await json("/api/services/status", codex)) as Statuses;
    expect(Object.keys(statuses)).to.deep.equal(["codex", "core", "postgres"]);
    expect(statuses["codex"]).to.deep.include({
      service_name: "codex",
      configured_port: Number(new URL(url).port),
      configured_url: url,
      status: "running",
      health: "healthy",
    });
    expect(await json("/api/services/codex/status", codex)).to.deep.equal(statuses["codex"]);
    const missing = await logger.request("/api/services/__proto__/status", codex);
    expect([missing.status, ((await missing.json()) as { error: string }).error]).to.deep.equal([
      404,
      "Service not found",
    ]);
  });

  it("GET /api/dashboard/status counts the last hour", async () => {
    const logs = [
      { message: "a", level: "ERROR" },
      { message: "b", level: "ERROR" },
      { message: "c", timestamp: "2026-11-24T08:59:59" },
    ];
    await logger.ingest({ logs }, codex);
    const { statuses, log_stats } = await json("/api/dashboard/status", codex);
    expect(Object.keys(statuses as Statuses)).to.deep.equal(["codex", "core", "postgres"]);
    expect((log_stats as Statuses)["codex"]).to.deep.equal({ ERROR: 2 });
  });

  it("are for administrators and services", async () => {
    for (const path of ["/api/services/status", "/api/dashboard/status"]) {
      expect((await logger.request(path)).status).to.equal(401);
      const response = await logger.request(path, await logger.core.user("technician"));
      expect(response.status).to.equal(403);
    }
  });

  it("GET /health has the contract's members and needs no token", async () => {
    const health = await json("/health");
    expect(health).to.include({
      service: "helm",
      status: "healthy",
      timestamp: "2026-11-24T10:00:00.000+00:00",
    });
    const checks = health["checks"] as Statuses;
    expect(checks["database"]).to.include({ status: "healthy", type: "postgresql" });
    expect(checks["disk"]).to.include.keys("status", "usage_percent", "free_gb", "total_gb");
    expect(checks["dependencies"]).to.have.nested.property("core.status", "healthy");
  });

  it("GET /health is degraded but 200 without core: nothing cascades (weakness 64)", async () => {
    logger.core.status = 503;
    time = new Date(frozen.getTime() + 6000);
    const health = await json("/health");
    logger.core.status = 200;
    time = frozen;
    expect(health["status"]).to.equal("degraded");
    expect(health).to.have.nested.property("checks.dependencies.core.error", "status 503");
  });

  it("GET /health is 503 without the database", async () => {
    await logger.pool.query("SELECT 1");
    const { pool } = logger;
    const query = pool.query.bind(pool);
    Object.assign(pool, { query: () => Promise.reject(new Error("away")) });
    const response = await logger.request("/health");
    Object.assign(pool, { query });
    expect(response.status).to.equal(503);
    expect(await response.json()).to.deep.include({ status: "unhealthy" });
  });

  it("writes a line for each request, but for health and ingest", async () => {
    await json("/health");
    await logger.ingest({ logs: [] }, codex);
    const admin = await logger.core.user("admin");
    await logger.request("/api/logs?service=codex", admin, {
      headers: { "x-correlation-id": "r-1" },
    });
    const answer = await logger.request("/api/nothing");
    const rows = await eventually(async () => {
      const found = await logger.rows(true);
      return found.some(({ message }) => String(message).includes("nothing")) ? found : undefined;
    });
    const messages = rows.map(({ message }) => String(message));
    expect(messages.filter((message) => /health|ingest/.test(message))).to.deep.equal([]);
    const said = rows
      .slice(-2)
      .map(({ service_name, message, trace_id, user_id }) => [
        service_name,
        String(message).replace(/ [\d.]+ ms$/, ""),
        trace_id,
        user_id,
      ]);
    expect(said).to.deep.equal([
      ["helm", "GET /api/logs 200", "r-1", "u-1"],
      ["helm", "GET /api/nothing 404", answer.headers.get("x-correlation-id"), null],
    ]);
  });
});
