import { expect } from "chai";

import { TestLogger } from "./testLogger.ts";

interface Page {
  total: number;
  limit: number;
  offset: number;
  logs: { id: number; message: string; level: string }[];
}

describe("GET /api/logs", () => {
  let logger: TestLogger;
  let admin: string;

  before(async () => {
    logger = await TestLogger.start();
    admin = await logger.core.user("admin");
    const codex = await logger.core.service("codex");
    const core = await logger.core.service("core");
    const at = (second: string) => `2026-11-24T09:00:${second}`;
    await logger.ingest(
      {
        logs: [
          { message: "one", timestamp: at("01"), trace_id: "t-1", context: { a: 1 } },
          { message: "three", timestamp: at("03"), level: "ERROR" },
          { message: "also three", timestamp: at("03"), level: "ERROR" },
        ],
      },
      codex,
    );
    await logger.ingest({ logs: [{ message: "two", timestamp: at("02"), trace_id: "t-1" }] }, core);
  });
  after(() => logger.stop());

  const find = async (query: string): Promise<Page> => {
    const response = await logger.request(`/api/logs${query}`, admin);
    expect(response.status, query).to.equal(200);
    return (await response.json()) as Page;
  };
  const messages = async (query: string) => (await find(query)).logs.map(({ message }) => message);

  it("answers newest first, with every member of the contract", async () => {
    const page = await find("?end_time=2026-11-24T09:00:03");
    expect(page).to.include({ total: 4, limit: 100, offset: 0 });
    expect(page.logs.map(({ message }) => message)).to.deep.equal([
      "also three",
      "three",
      "two",
      "one",
    ]);
    expect(page.logs[3]).to.deep.equal({
      id: page.logs[3]?.id,
      timestamp: "2026-11-24T09:00:01.000000",
      service_name: "codex",
      level: "INFO",
      message: "one",
      context: { a: 1 },
      trace_id: "t-1",
      user_id: null,
      hostname: null,
      process_id: null,
    });
    expect(page.logs[3]?.id).to.be.a("number");
  });

  it("filters by service, level, trace and time, and pages", async () => {
    expect(await messages("?service=codex&level=error")).to.deep.equal(["also three", "three"]);
    expect(await messages("?trace_id=t-1")).to.deep.equal(["two", "one"]);
    const range = "start_time=2026-11-24T09:00:02&end_time=2026-11-24T10:00:02%2B01:00";
    expect(await messages(`?${range}`)).to.deep.equal(["two"]);
    const page = await find("?service=codex&limit=1&offset=2");
    expect(page).to.include({ total: 3, limit: 1, offset: 2 });
    expect(page.logs.map(({ message }) => message)).to.deep.equal(["one"]);
    expect(await find("?limit=5000")).to.include({ limit: 1000 });
    expect(await messages("?limit=0")).to.deep.equal([]);
  });

  it("takes what is asked for as data, not as SQL", async () => {
    expect(await messages("?service=codex'%20OR%20'1'='1")).to.deep.equal([]);
    expect(await messages("?level=%25")).to.deep.equal([]);
  });

  for (const query of [
    "limit=ten",
    "limit=-1",
    "limit=1e3",
    "offset=x",
    "start_time=soon",
    "end_time=2026-13-01",
    "service=a%00b",
    "service=a&service=b",
    "limit=99999999999999999999",
  ]) {
    it(`answers 400 to ${query}`, async () => {
      const response = await logger.request(`/api/logs?${query}`, admin);
      expect(response.status).to.equal(400);
      expect(await response.json()).to.include({
        error: `Invalid ${query.split("=")[0] ?? ""}`,
        code: "ERR_QUERY_INVALID",
      });
    });
  }

  it("has each entry by its number", async () => {
    const [first] = (await find("?service=core")).logs;
    const response = await logger.request(`/api/logs/${String(first?.id)}`, admin);
    expect(await response.json()).to.deep.equal(first);
    for (const id of ["999999", "0", "x", "1.5", "99999999999999999999", "-1"]) {
      const missing = await logger.request(`/api/logs/${id}`, admin);
      expect(missing.status, id).to.equal(404);
      expect(await missing.json()).to.include({ error: "Log entry not found" });
    }
  });

  it("is for administrators: no other user, no service (weakness 16)", async () => {
    for (const path of ["/api/logs", "/api/logs/1", "/api/services"]) {
      for (const level of ["technician", "billing", "client"]) {
        const response = await logger.request(path, await logger.core.user(level));
        expect(response.status, path).to.equal(403);
      }
      const response = await logger.request(path, await logger.core.service("codex"));
      expect([response.status, ((await response.json()) as { error: string }).error]).to.deep.equal(
        [403, "This endpoint is for users only"],
      );
      expect((await logger.request(path)).status).to.equal(401);
    }
  });

  it("accepts a new key of core without a restart, and then no more the old one", async () => {
    const other = await TestLogger.start();
    try {
      const old = await other.core.user("admin");
      await other.core.rotate("second");
      const token = await other.core.user("admin");
      expect((await other.request("/api/logs", token)).status).to.equal(200);
      expect((await other.request("/api/logs", old)).status).to.equal(401);
    } finally {
      await other.stop();
    }
  });
});
