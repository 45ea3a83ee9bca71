import { expect } from "chai";

import { TestLogger } from "./testLogger.ts";

interface Page {
  total: number;
  total_exact: boolean;
  next: string | null;
  logs: { id: number; message: string }[];
}

describe("looking for words and through pages", () => {
  let logger: TestLogger;
  let admin: string;
  let codex: string;

  before(async () => {
    logger = await TestLogger.start();
    admin = await logger.core.user("admin");
    codex = await logger.core.service("codex");
    const logs = Array.from({ length: 3000 }, (_, index) => ({
      message: `request ${String(index)} of Ärzte/Böhm took_long a.b@example.com`,
      // Several have one time: a page may end between them.
      timestamp: new Date(Date.UTC(2026, 10, 24, 9) + Math.floor(index / 7) * 10).toISOString(),
      level: index % 500 === 0 ? "ERROR" : "INFO",
    }));
    await logger.ingest({ logs }, codex);
  });
  after(() => logger.stop());

  const find = async (query: string): Promise<Page> => {
    const response = await logger.request(`/api/logs?service=codex&${query}`, admin);
    expect(response.status, query).to.equal(200);
    return (await response.json()) as Page;
  };
  const messages = async (query: string) => (await find(query)).logs.map(({ message }) => message);

  it("finds a rare word at once, before and after it is in the index", async () => {
    expect(await messages("q=2718")).to.have.length(1);
    await logger.ingest({ logs: [{ message: "needle-1 here" }] }, codex);
    expect(await messages("q=needle")).to.deep.equal(["needle-1 here"]);
    await logger.pool.query(
      `SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid
       WHERE relname LIKE 'log_words_%_words_idx'`,
    );
    expect(await messages("q=needle")).to.deep.equal(["needle-1 here"]);
  });

  it("wants every word as a whole, in any case and script; * stands for the rest", async () => {
    expect(await messages("q=request+17")).to.have.length(1);
    expect((await find("q=%C3%84RZTE+b%C3%B6hm")).total).to.equal(3000);
    expect(await messages("q=request+1700+b%C3%B6h")).to.deep.equal([]);
    expect(await messages("q=request+1700+b%C3%B6h*")).to.have.length(1);
    expect(await messages("q=took_long+long+2999")).to.have.length(1);
    expect((await find("q=299*")).total).to.equal(11);
  });

  it("has the newest first, whatever the order they were stored in", async () => {
    const at = (minute: string) => `2026-11-24T07:${minute}:00`;
    for (const minute of ["30", "10", "20"]) {
      await logger.ingest({ logs: [{ message: `order ${minute}`, timestamp: at(minute) }] }, codex);
    }
    expect(await messages("q=order&limit=2")).to.deep.equal(["order 30", "order 20"]);
    expect(await messages(`q=order&end_time=${at("25")}`)).to.deep.equal(["order 20", "order 10"]);
    expect(await messages("q=order&limit=1&offset=2")).to.deep.equal(["order 10"]);
  });

  it("reads every line once by cursor while more come, with and without words", async () => {
    for (const words of ["", "&q=request"]) {
      const ids: number[] = [];
      let cursor = "";
      do {
        const page = await find(`limit=700&end_time=2026-11-24T09:30:00${words}${cursor}`);
        ids.push(...page.logs.map(({ id }) => id));
        cursor = page.next === null ? "" : `&cursor=${page.next}`;
        await logger.ingest({ logs: [{ message: "request, newer" }] }, codex);
      } while (cursor !== "");
      expect(new Set(ids).size, words).to.equal(ids.length);
      expect(ids.length, words).to.equal(
        (await find(`end_time=2026-11-24T09:30:00${words}`)).total,
      );
    }
  });

  it("counts lines of each level over time", async () => {
    const range = "start_time=2026-11-24T09:00:00&end_time=2026-11-24T09:01:36";
    const response = await logger.request(
      `/api/logs/levels?service=codex&q=request&${range}`,
      admin,
    );
    const { span_seconds: span, counts } = (await response.json()) as {
      span_seconds: number;
      counts: { start: string; level: string; count: number }[];
    };
    expect(span).to.equal(1);
    expect(counts[0]).to.deep.equal({
      start: "2026-11-24T09:00:00.000000",
      level: "ERROR",
      count: 2,
    });
    expect(counts.reduce((sum, { count }) => sum + count, 0)).to.equal(3000);
  });

  it("says when a total is more than was counted", async () => {
    const logs = Array.from({ length: 10_000 }, () => ({ message: "many" }));
    await logger.ingest({ logs }, codex);
    const exact = await find("q=many&limit=1");
    expect([exact.total, exact.total_exact]).to.deep.equal([10_000, true]);
    await logger.ingest({ logs: [{ message: "many" }] }, codex);
    for (const words of ["", "&q=many"]) {
      const more = await find(`limit=1${words}`);
      expect([more.total, more.total_exact], words).to.deep.equal([10_000, false]);
    }
  });

  it("takes words as data: no operator of a text search, pattern or SQL", async () => {
    const lines = await messages(`q=${encodeURIComponent("needle' | !(here):* .*")}`);
    expect(lines).to.deep.equal(["needle-1 here"]);
    for (const query of ["q=%27", "q=*", `q=${"a+b".repeat(20)}`, "cursor=x", "cursor=1_1"]) {
      const response = await logger.request(`/api/logs?${query}`, admin);
      expect(response.status, query).to.equal(400);
    }
    expect(await messages(`q=${"x".repeat(3000)}`)).to.deep.equal([]);
  });
});
