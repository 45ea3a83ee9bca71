import { expect } from "chai";
import fc from "fast-check";

import { LogClient } from "../../../runtime/kernel/logClient.ts";
import { restartPostgres } from "../../support/postgres.ts";
import { eventually, TestCore, TestLogger } from "./testLogger.ts";

describe("POST /api/logs/ingest", () => {
  let logger: TestLogger;
  let codex: string;
  let admin: string;

  before(async () => {
    logger = await TestLogger.start();
    codex = await logger.core.service("codex");
    admin = await logger.core.user("admin");
  });
  after(() => logger.stop());
  beforeEach(() => logger.pool.query("TRUNCATE log_entries"));

  const refusal = async (response: Response): Promise<unknown[]> => {
    const { error, code } = (await response.json()) as { error?: string; code: string };
    return [response.status, code, error];
  };

  it("takes the batch of an unmodified client (contract 4.3)", async () => {
    const entry = {
      level: "INFO",
      message: '127.0.0.1 - - [24/Nov/2026 09:59:59] "GET /\u001b[36m HTTP/1.1\u001b[0m" 200 -',
      timestamp: "2026-11-24T09:59:59.123456",
      context: { path: "/", method: "GET" },
      trace_id: null,
      user_id: "u-1",
    };
    const response = await logger.ingest({ service_name: "codex", logs: [entry, entry] }, codex);
    expect(response.status).to.equal(200);
    expect(await response.json()).to.deep.equal({
      success: true,
      ingested: 2,
      message: "Successfully ingested 2 log entries",
    });
    const [row] = await logger.rows();
    expect(row).to.deep.include({
      timestamp: "2026-11-24 09:59:59.123456",
      service_name: "codex",
      level: "INFO",
      message: '127.0.0.1 - - [24/Nov/2026 09:59:59] "GET / HTTP/1.1" 200 -',
      context: { path: "/", method: "GET" },
      trace_id: null,
      user_id: "u-1",
    });
  });

  it("takes the batches of the platform's own client", async () => {
    const client = new LogClient({
      url: logger.url,
      service: "codex",
      token: () => Promise.resolve(codex),
    });
    client.write({ level: "WARNING", message: "from the kernel", trace_id: "r-1" });
    await client.close();
    expect(client.dropped).to.equal(0);
    expect((await logger.rows()).map(({ message }) => message)).to.deep.equal(["from the kernel"]);
  });

  it("keeps the rest when entries are bad and says which (weakness 50)", async () => {
    const logs = [
      { message: "a" },
      { message: null },
      { message: "b", timestamp: "never" },
      7,
      { message: "\0c", context: { "\0k": "\ud800" } },
    ];
    const response = await logger.ingest({ logs }, codex);
    expect(response.status).to.equal(200);
    expect(await response.json()).to.deep.include({
      ingested: 3,
      rejected: [
        { index: 1, reason: "message is missing" },
        { index: 3, reason: "The entry is not an object" },
      ],
    });
    expect((await logger.rows()).map(({ message }) => message)).to.deep.equal(["a", "b", "c"]);
  });

  it("has no entry that the database refuses", async () => {
    const text = fc.string({ unit: "binary", maxLength: 50 });
    const entry = fc.record(
      {
        message: fc.oneof(text, fc.jsonValue()),
        level: fc.oneof(text, fc.jsonValue()),
        timestamp: fc.oneof(
          text,
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
          fc.jsonValue(),
        ),
        context: fc.jsonValue({ stringUnit: "binary" }),
        trace_id: fc.oneof(text, fc.jsonValue()),
        user_id: fc.string({ unit: "binary", maxLength: 300 }),
        hostname: text,
        process_id: fc.oneof(fc.integer(), fc.double(), text),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 50 }), async (logs) => {
        const response = await logger.ingest({ logs }, codex);
        expect(response.status).to.equal(200);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps a batch whose context has a name that JavaScript treats in a special way", async () => {
    const body = '{"logs":[{"message":"a","context":{"__proto__":{"x":1},"b":1}}]}';
    expect((await logger.ingest(body, codex)).status).to.equal(200);
    expect((await logger.rows())[0]).to.deep.include({ message: "a", context: { b: 1 } });
  });

  it("does not let a service write in another's name (weakness 19)", async () => {
    const logs = [{ message: "spoofed" }];
    const response = await logger.ingest({ service_name: "core", logs }, codex);
    expect(await refusal(response)).to.deep.equal([
      403,
      "ERR_SERVICE_NAME_FOREIGN",
      "service_name is not the service the token was made for",
    ]);
    expect(await logger.rows()).to.deep.equal([]);
  });

  it("does not take a service token made for another service (weakness 15)", async () => {
    const token = await logger.core.service("codex", "ledger");
    const response = await logger.ingest({ logs: [{ message: "a" }] }, token);
    expect(response.status).to.equal(403);
  });

  it("takes entries of users who are administrators only, who name the service", async () => {
    const logs = [{ message: "a" }];
    const body = { service_name: "codex", logs };
    expect((await logger.ingest(body, admin)).status).to.equal(200);
    expect((await logger.ingest({ logs }, admin)).status).to.equal(400);
    for (const level of ["technician", "billing", "client"]) {
      const response = await logger.ingest(body, await logger.core.user(level));
      expect(response.status).to.equal(403);
    }
  });

  const faults: readonly (readonly [unknown, string, string])[] = [
    [{}, "ERR_LOGS_MISSING", "Missing logs array"],
    [[], "ERR_LOGS_MISSING", "Missing logs array"],
    ["null", "ERR_LOGS_MISSING", "Missing logs array"],
    [{ logs: "a" }, "ERR_LOGS_MISSING", "Missing logs array"],
    [{ logs: [] }, "ERR_SERVICE_NAME_MISSING", "service_name is required"],
    [{ service_name: "a b", logs: [] }, "ERR_SERVICE_NAME_INVALID", "Invalid service_name format"],
    [{ service_name: 5, logs: [] }, "ERR_SERVICE_NAME_INVALID", "Invalid service_name format"],
    [
      { service_name: "codex", logs: Array.from({ length: 10_001 }, () => 0) },
      "ERR_TOO_MANY_LOGS",
      "Maximum 10000 logs per request",
    ],
  ];
  for (const [body, code, error] of faults) {
    it(`answers 400 ${error} to ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const response = await logger.ingest(body, admin);
      expect(response.headers.get("content-type")).to.equal("application/problem+json");
      expect(await refusal(response)).to.deep.equal([400, code, error]);
    });
  }

  it("answers what is wrong with the request as what it is, never as 500", async () => {
    const post = (init: RequestInit, path = "/api/logs/ingest") =>
      logger.request(path, codex, { method: "POST", ...init });
    const json = { "content-type": "application/json" };
    expect((await post({ headers: json, body: "{broken" })).status).to.equal(400);
    expect((await post({ headers: { "content-type": "text/csv" }, body: "a" })).status).to.equal(
      415,
    );
    const large = JSON.stringify({ logs: ["x".repeat(10 * 1024 * 1024)] });
    expect((await post({ headers: json, body: large })).status).to.equal(413);
    const wrong = await logger.request("/api/logs/ingest", codex);
    expect([wrong.status, wrong.headers.get("allow")]).to.deep.equal([405, "POST"]);
    expect((await post({ headers: json, body: "{}" }, "/api/nothing")).status).to.equal(404);
  });

  it("refuses tokens that are missing, forged, expired or not of a known shape", async () => {
    const body = { service_name: "codex", logs: [{ message: "a" }] };
    const stranger = await TestCore.start();
    const tokens = [
      await stranger.user("admin"),
      await logger.core.user("admin", { exp: 1_700_000_000 }),
      await logger.core.user("admin", { iss: "somebody" }),
      await logger.core.user("root"),
      await logger.core.sign({ type: "service", sub: "service:codex" }),
      "a.b.c",
    ];
    await stranger.stop();
    for (const token of tokens) {
      expect((await logger.ingest(body, token)).status, token).to.equal(401);
    }
    const response = await logger.request("/api/logs/ingest", undefined, { method: "POST" });
    expect(response.status).to.equal(401);
    expect(await logger.rows()).to.deep.equal([]);
  });

  it("answers 503 while the database is away, and takes the batch as soon as it is back", async () => {
    const restarted = restartPostgres();
    const batch = { logs: [{ message: "a" }] };
    const statuses = new Set<number>();
    await eventually(async () => {
      const { status } = await logger.ingest(batch, codex);
      statuses.add(status);
      return status === 200;
    });
    await restarted;
    await eventually(async () => (await logger.ingest(batch, codex)).status === 200);
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).to.deep.equal([]);
  });
});

describe("tokens while core is away", () => {
  it("cannot be checked: 503, and 401 for forged ones once it is back", async () => {
    const logger = await TestLogger.start();
    try {
      const token = await logger.core.service("codex");
      const batch = { logs: [{ message: "a" }] };
      logger.core.status = 500;
      const response = await logger.ingest(batch, token);
      expect([response.status, response.headers.get("retry-after")]).to.deep.equal([503, "5"]);
      logger.core.status = 200;
      expect((await logger.ingest(batch, token)).status).to.equal(200);
    } finally {
      await logger.stop();
    }
  });
});
