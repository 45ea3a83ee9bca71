import { expect } from "chai";

import { Forward } from "../../../runtime/logger/forward.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { frozen, TestLogger } from "./testLogger.ts";

describe("forwarding to an OTLP endpoint", () => {
  let from: TestLogger;
  let to: TestLogger;
  before(async () => {
    [from, to] = await Promise.all([TestLogger.start(), TestLogger.start()]);
  });
  after(() => Promise.all([from.stop(), to.stop()]));

  it("hands on everything in its order, resumes where it ended, and loses nothing by a fault", async () => {
    const codex = await from.core.service("codex");
    const store = new LogStore(from.pool, () => frozen);
    const write = (...logs: object[]): Promise<Response> => from.ingest({ logs }, codex);
    const create = (token: string): Forward => {
      const headers = { authorization: `Bearer ${token}` };
      return new Forward({ pool: from.pool, store, url: `${to.url}/v1/logs`, headers });
    };
    const admin = await to.core.user("admin");
    await write({ message: "before there was an endpoint" });
    await create(admin).run();

    const trace = "5b8efff7-9803-8103-d269-b633813fc60c";
    const timestamp = "2026-11-24T09:00:00.123456";
    await write({
      message: "one",
      level: "ERROR",
      timestamp,
      trace_id: trace,
      context: { a: [1] },
    });
    await write(...Array.from({ length: 1500 }, (_, index) => ({ message: `line ${index}` })));
    const refused = await create("wrong")
      .run()
      .catch((fault: unknown) => fault);
    expect(String(refused)).to.equal("Error: status 401");
    await create(admin).run();
    await write({ message: "last" });
    await create(admin).run();
    await create(admin).run();

    const rows = (await to.rows()).filter(({ service_name: name }) => name === "codex");
    expect(rows.map(({ message }) => message)).to.deep.equal([
      "one",
      ...Array.from({ length: 1500 }, (_, index) => `line ${index}`),
      "last",
    ]);
    expect(rows[0]).to.deep.include({
      timestamp: "2026-11-24 09:00:00.123456",
      level: "ERROR",
      trace_id: trace.replaceAll("-", ""),
    });
    expect(rows[0]?.["context"]).to.deep.include({ a: [1] });
  });
});
